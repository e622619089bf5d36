// A menu in place of the keyboard, and a way to a manager.
import { Bot, Keyboard, session } from "grammy";

const { BOT_API = "http://127.0.0.1:8083", BOT_TOKEN } = process.env;

const HOURS = "Monday to Friday, 9 to 18 o'clock.";
const DISHES = new Map([
  ["Soup of the day", "Pumpkin, 6 €"],
  ["Dumplings", "With potatoes or cherries, 9 €"],
  ["Honey cake", "A piece for 4 €"],
]);

const main = new Keyboard()
  .text("Dishes")
  .text("Opening hours")
  .row()
  .text("Talk to a person")
  .resized()
  .persistent();
const dishes = Keyboard.from([...DISHES.keys()].map((dish) => [dish]))
  .row()
  .text("Back")
  .resized();
const talking = new Keyboard().text("Back to the menu").resized();

const bot = new Bot(BOT_TOKEN, { client: { apiRoot: BOT_API } });
bot.use(session({ initial: () => ({ withManager: false }) }));

const showMain = (ctx) => {
  ctx.session.withManager = false;
  return ctx.reply("How can I help you?", { reply_markup: main });
};
bot.command(["start", "menu"], showMain);
bot.hears("Back to the menu", showMain);

// While a customer talks to a manager, the menu is silent.
const menu = bot.filter((ctx) => !ctx.session.withManager);

menu.hears("Talk to a person", (ctx) => {
  ctx.session.withManager = true;
  return ctx.reply("What is it about? A colleague answers here.", {
    reply_markup: talking,
  });
});
menu.hears("Dishes", (ctx) =>
  ctx.reply("Choose a dish.", { reply_markup: dishes }),
);
menu.hears("Back", showMain);
menu.hears("Opening hours", (ctx) => ctx.reply(HOURS));
menu.hears([...DISHES.keys()], (ctx) => ctx.reply(DISHES.get(ctx.match)));

process.once("SIGTERM", () => bot.stop());
await bot.start();
