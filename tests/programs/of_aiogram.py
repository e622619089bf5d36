"""A program written with aiogram: by webhook if there is a PORT, and else by polling."""

import os

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

TOKEN, PORT = os.environ["WEBHOOK_SECRET"], int(os.environ.get("PORT", "0"))

dispatcher = Dispatcher()


@dispatcher.message(CommandStart())
async def start(message):
    keys = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Order", callback_data="shop:order")]])
    await message.answer("Welcome to the shop", reply_markup=keys)


@dispatcher.callback_query(F.data == "shop:order")
async def order(query):
    await query.answer()
    await query.message.edit_text("Ordered")


# What a handler returns is called: by webhook in the answer, the file too, in multipart.
@dispatcher.message(F.text == "bill")
async def bill(message):
    return message.answer_document(BufferedInputFile(b"1 x tea", "bill.txt"), caption="Your bill")


@dispatcher.message(F.text)
async def repeat(message):
    return message.answer(f"You said: {message.text}")


async def set_webhook(bot):
    await bot.set_webhook(f"http://127.0.0.1:{PORT}/hook", secret_token=TOKEN)


bot = Bot(os.environ["BOT_TOKEN"], session=AiohttpSession(api=TelegramAPIServer.from_base(os.environ["BOT_API"])))
if PORT:
    dispatcher.startup.register(set_webhook)
    server = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=TOKEN).register(server, path="/hook")
    setup_application(server, dispatcher, bot=bot)
    web.run_app(server, host="127.0.0.1", port=PORT, print=None)
else:
    dispatcher.run_polling(bot)
