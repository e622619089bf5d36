// A program written with Telegraf: by webhook if there is a PORT, and else by polling.
import { createServer } from "node:http";
import { Markup, Telegraf } from "telegraf";

const { BOT_API, BOT_TOKEN, PORT, WEBHOOK_SECRET } = process.env;

const bot = new Telegraf(BOT_TOKEN, { telegram: { apiRoot: BOT_API } });

bot.start((ctx) => ctx.reply("Welcome to the shop", Markup.inlineKeyboard([Markup.button.callback("Order", "shop:order")])));
bot.action("shop:order", async (ctx) => {
  await ctx.answerCbQuery();
  await ctx.editMessageText("Ordered");
});
bot.hears("bill", (ctx) =>
  ctx.replyWithDocument({ source: Buffer.from("1 x tea"), filename: "bill.txt" }, { caption: "Your bill" }),
);
bot.on("text", (ctx) => ctx.reply(`You said: ${ctx.message.text}`));

if (PORT) {
  const answer = bot.webhookCallback("/hook", { secretToken: WEBHOOK_SECRET });
  createServer(answer).listen(PORT, "127.0.0.1");
  // What `launch` makes of a webhook's address begins with https.
  await bot.telegram.setWebhook(`http://127.0.0.1:${PORT}/hook`, { secret_token: WEBHOOK_SECRET });
} else {
  process.once("SIGTERM", () => bot.stop("SIGTERM"));
  await bot.launch();
}
