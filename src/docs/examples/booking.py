"""Bookings: a day, a time, done. Updates come by webhook."""

import os
from datetime import date, timedelta

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler
from telegram.ext import ContextTypes, PicklePersistence

TIMES = ["10:00", "12:00", "14:00", "16:00"]
Context = ContextTypes.DEFAULT_TYPE


def keys(buttons):
    """One button in each row."""
    button = InlineKeyboardButton
    rows = [[button(it, callback_data=data)] for it, data in buttons]
    return InlineKeyboardMarkup(rows)


def taken(context: Context):
    """Who has booked which time: it is kept in a file."""
    return context.bot_data.setdefault("taken", {})


def free(context: Context, day):
    return [time for time in TIMES if f"{day} {time}" not in taken(context)]


async def book(update: Update, context: Context):
    days = [date.today() + timedelta(days=n) for n in range(1, 5)]
    days = [(f"{it:%A}", f"day:{it}") for it in days if free(context, it)]
    await update.message.reply_text("Which day?", reply_markup=keys(days))


async def choose_day(update: Update, context: Context):
    query = update.callback_query
    day = query.data.removeprefix("day:")
    times = [(time, f"time:{day} {time}") for time in free(context, day)]
    await query.answer()
    said = f"{day}: at what time?"
    await query.edit_message_text(said, reply_markup=keys(times))


async def choose_time(update: Update, context: Context):
    query = update.callback_query
    slot = query.data.removeprefix("time:")
    if slot in taken(context):
        await query.answer("Somebody was faster. Choose another time.")
        return
    taken(context)[slot] = update.effective_user.id
    await query.answer()
    await query.edit_message_text(f"Booked: {slot}")


async def mine(update: Update, context: Context):
    who = update.effective_user.id
    slots = sorted(slot for slot, it in taken(context).items() if it == who)
    if not slots:
        await update.message.reply_text("You have booked nothing.")
        return
    slots = [(f"Cancel {slot}", f"cancel:{slot}") for slot in slots]
    await update.message.reply_text("Your times:", reply_markup=keys(slots))


async def cancel(update: Update, context: Context):
    query = update.callback_query
    slot = query.data.removeprefix("cancel:")
    if taken(context).get(slot) == update.effective_user.id:
        del taken(context)[slot]
    await query.answer()
    await query.edit_message_text(f"Cancelled: {slot}")


api = os.environ.get("BOT_API", "http://127.0.0.1:8083")
port = int(os.environ.get("PORT", "8000"))
builder = Application.builder().token(os.environ["BOT_TOKEN"])
builder = builder.base_url(f"{api}/bot").base_file_url(f"{api}/file/bot")
bookings = builder.persistence(PicklePersistence("bookings.pickle")).build()
bookings.add_handler(CommandHandler(["start", "book"], book))
bookings.add_handler(CommandHandler("mine", mine))
bookings.add_handler(CallbackQueryHandler(choose_day, "^day:"))
bookings.add_handler(CallbackQueryHandler(choose_time, "^time:"))
bookings.add_handler(CallbackQueryHandler(cancel, "^cancel:"))
bookings.run_webhook(
    listen="127.0.0.1",
    port=port,
    url_path="bookings",
    webhook_url=f"http://127.0.0.1:{port}/bookings",
    secret_token=os.environ["WEBHOOK_SECRET"],
)
