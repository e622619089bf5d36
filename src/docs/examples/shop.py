"""A shop: a catalogue with buttons, a cart, an order."""

import os
from itertools import count

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandStart
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram.utils.keyboard import InlineKeyboardBuilder

GOODS = {"tea": ("Green tea", 7), "cup": ("Cup", 12), "pot": ("Teapot", 35)}


class Add(CallbackData, prefix="add"):
    good: str


class Order(StatesGroup):
    address = State()


shop = Dispatcher()
numbers = count(1)


def catalogue():
    keys = InlineKeyboardBuilder()
    for good, (name, price) in GOODS.items():
        label = f"{name}, {price} €"
        keys.button(text=label, callback_data=Add(good=good))
    keys.button(text="Show the cart", callback_data="cart:show")
    return keys.adjust(1).as_markup()


def bill(cart):
    lines = [f"{n} × {GOODS[good][0]}" for good, n in cart.items()]
    total = sum(n * GOODS[good][1] for good, n in cart.items())
    return "\n".join([*lines, f"Total: {total} €"])


@shop.message(CommandStart())
async def start(message: Message):
    await message.answer("What may it be?", reply_markup=catalogue())


@shop.callback_query(Add.filter())
async def add(query: CallbackQuery, callback_data: Add, state: FSMContext):
    cart, good = await state.get_value("cart", {}), callback_data.good
    cart[good] = cart.get(good, 0) + 1
    await state.update_data(cart=cart)
    await query.answer(f"{GOODS[good][0]}: {cart[good]} in the cart")


@shop.callback_query(F.data == "cart:show")
async def show(query: CallbackQuery, state: FSMContext):
    await query.answer()
    await show_cart(query.message, state)


@shop.message(Command("cart"))
async def show_cart(message: Message, state: FSMContext):
    cart = await state.get_value("cart")
    if not cart:
        return await message.answer("The cart is empty.")
    keys = InlineKeyboardBuilder()
    keys.button(text="Order", callback_data="cart:order")
    keys.button(text="Empty the cart", callback_data="cart:empty")
    await message.answer(bill(cart), reply_markup=keys.as_markup())


@shop.callback_query(F.data == "cart:empty")
async def empty(query: CallbackQuery, state: FSMContext):
    await state.clear()
    await query.answer()
    await query.message.edit_text("The cart is empty.")


@shop.callback_query(F.data == "cart:order")
async def order(query: CallbackQuery, state: FSMContext):
    await query.answer()
    # The button may be that of an old message.
    if not await state.get_value("cart"):
        return await query.message.answer("The cart is empty.")
    await state.set_state(Order.address)
    await query.message.answer("Where shall we send it?")


# The answer is the first thing that managers see of this customer.
@shop.message(Order.address, F.text)
async def finish(message: Message, state: FSMContext):
    cart = await state.get_value("cart", {})
    await state.clear()
    said = f"Order {next(numbers)} goes to: {message.text}"
    await message.answer(f"{said}\n{bill(cart)}")


api = os.environ.get("BOT_API", "http://127.0.0.1:8083")
session = AiohttpSession(api=TelegramAPIServer.from_base(api))
shop.run_polling(Bot(os.environ["BOT_TOKEN"], session=session))
