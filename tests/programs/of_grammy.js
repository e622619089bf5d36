// A program written with grammY: by webhook if there is a PORT, and else by polling.
import { createServer } from "node:http";
import { Bot, InlineKeyboard, InputFile, webhookCallback } from "grammy";

const { BOT_API, BOT_TOKEN, PORT, WEBHOOK_SECRET } = process.env;

// By webhook, what it says is a call in its answer.
const client = { apiRoot: BOT_API, canUseWebhookReply: (method) => method === "sendMessage" };
const bot = new Bot(BOT_TOKEN, { client });

bot.command("start", (ctx) =>
  ctx.reply("Welcome to the shop", { reply_markup: new InlineKeyboard().text("Order", "shop:order") }),
);
bot.callbackQuery("shop:order", async (ctx) => {
  await ctx.answerCallbackQuery();
  await ctx.editMessageText("Ordered");
});
bot.hears("bill", (ctx) =>
  ctx.replyWithDocument(new InputFile(new TextEncoder().encode("1 x tea"), "bill.txt"), { caption: "Your bill" }),
);
bot.on("message:text", (ctx) => ctx.reply(`You said: ${ctx.message.text}`));

if (PORT) {
  createServer(webhookCallback(bot, "http", { secretToken: WEBHOOK_SECRET })).listen(PORT, "127.0.0.1");
  await bot.api.setWebhook(`http://127.0.0.1:${PORT}/hook`, { secret_token: WEBHOOK_SECRET });
} else {
  process.once("SIGTERM", () => bot.stop());
  await bot.start();
}
