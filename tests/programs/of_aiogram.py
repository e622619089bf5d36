"""A program written with aiogram."""

import asyncio
import os

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

dispatcher = Dispatcher()


@dispatcher.message(CommandStart())
async def start(message):
    keys = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Order", callback_data="shop:order")]])
    await message.answer("Welcome to the shop", reply_markup=keys)


@dispatcher.callback_query(F.data == "shop:order")
async def order(query):
    await query.answer()
    await query.message.edit_text("Ordered")


@dispatcher.message(F.text == "bill")
async def bill(message):
    await message.answer_document(BufferedInputFile(b"1 x tea", "bill.txt"), caption="Your bill")


@dispatcher.message(F.text)
async def repeat(message):
    await message.answer(f"You said: {message.text}")


async def main():
    session = AiohttpSession(api=TelegramAPIServer.from_base(os.environ["API"]))
    await dispatcher.start_polling(Bot(os.environ["SECRET"], session=session))


asyncio.run(main())
