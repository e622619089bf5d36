// A program written with Telegraf.
import { Markup, Telegraf } from "telegraf";

const bot = new Telegraf(process.env.SECRET, { telegram: { apiRoot: process.env.API } });

bot.start((ctx) => ctx.reply("Welcome to the shop", Markup.inlineKeyboard([Markup.button.callback("Order", "shop:order")])));
bot.action("shop:order", async (ctx) => {
  await ctx.answerCbQuery();
  await ctx.editMessageText("Ordered");
});
bot.hears("bill", (ctx) =>
  ctx.replyWithDocument({ source: Buffer.from("1 x tea"), filename: "bill.txt" }, { caption: "Your bill" }),
);
bot.on("text", (ctx) => ctx.reply(`You said: ${ctx.message.text}`));
process.once("SIGTERM", () => bot.stop("SIGTERM"));
await bot.launch();
