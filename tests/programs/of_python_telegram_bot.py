"""A program written with python-telegram-bot: by webhook if there is a PORT, and else by polling."""

import os

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, MessageHandler, filters


async def start(update, _):
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("Order", callback_data="shop:order")]])
    await update.message.reply_text("Welcome to the shop", reply_markup=keys)


async def order(update, _):
    await update.callback_query.answer()
    await update.callback_query.edit_message_text("Ordered")


async def bill(update, _):
    await update.message.reply_document(b"1 x tea", filename="bill.txt", caption="Your bill")


async def repeat(update, _):
    await update.message.reply_text(f"You said: {update.message.text}")


api, port = os.environ["BOT_API"], os.environ.get("PORT")
builder = Application.builder().token(os.environ["BOT_TOKEN"])
program = builder.base_url(f"{api}/bot").base_file_url(f"{api}/file/bot").build()
program.add_handler(CommandHandler("start", start))
program.add_handler(CallbackQueryHandler(order, "^shop:order$"))
program.add_handler(MessageHandler(filters.Regex("^bill$"), bill))
program.add_handler(MessageHandler(filters.TEXT, repeat))
if port:
    hook = {"webhook_url": f"http://127.0.0.1:{port}/hook", "secret_token": os.environ["WEBHOOK_SECRET"]}
    program.run_webhook(listen="127.0.0.1", port=int(port), url_path="hook", **hook)
else:
    program.run_polling()
