// A program written with grammY.
import { Bot, InlineKeyboard, InputFile } from "grammy";

const bot = new Bot(process.env.SECRET, { client: { apiRoot: process.env.API } });

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
process.once("SIGTERM", () => bot.stop());
await bot.start();
