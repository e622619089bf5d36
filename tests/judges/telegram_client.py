"""aiogram's own client, dispatcher and long polling, as a bot at the fake Bot API."""

import asyncio
import base64

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReactionTypeEmoji,
    ReplyParameters,
)

from sandbox import ANNA, SOURCE

CONTENT = bytes(range(256)) * 300
# One black pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
CUSTOMER = {"source": SOURCE, "customer": ANNA}


def dispatcher(said):
    """A bot that greets with a button, keeps files and answers presses; `said` tells what it did."""
    bot = Dispatcher()

    @bot.message(F.text)
    async def greet(message):
        await message.bot.send_chat_action(message.chat.id, "typing")
        button = InlineKeyboardButton(text="Yes", callback_data="yes")
        sent = await message.answer(
            f"Hello {message.from_user.full_name}, you said {message.text}",
            reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]),
            reply_parameters=ReplyParameters(message_id=message.message_id),
        )
        assert sent.reply_to_message.message_id == message.message_id
        said.put_nowait(("greeted", sent.message_id))

    @bot.message(F.document)
    async def keep(message):
        file = await message.bot.get_file(message.document.file_id)
        content = await message.bot.download_file(file.file_path)
        said.put_nowait(("kept", (message.document.file_name, file.file_size, content.read() == CONTENT)))

    @bot.callback_query()
    async def press(query):
        assert await query.answer("Thank you")
        await query.message.edit_reply_markup(reply_markup=None)
        said.put_nowait(("pressed", query.data))

    @bot.my_chat_member()
    async def member(update):
        said.put_nowait(("member", update.new_chat_member.status))

    return bot


async def expect(said, *what):
    """The next thing that the bot does."""
    done = await asyncio.wait_for(said.get(), 10)
    assert done[: len(what)] == what, f"expected {what}, not {done}"
    return done[-1]


async def converse(sandbox, bot, said):
    """What the customer does, and what the bot is expected to do then."""
    await act(sandbox, "telegram/write", text="hi 👋", **CUSTOMER)
    greeting = await expect(said, "greeted")
    await act(sandbox, "telegram/press", message_id=greeting, row=0, column=0, **CUSTOMER)
    await expect(said, "pressed", "yes")
    await asyncio.to_thread(sandbox.send_file, CONTENT, type="application/pdf", name="Договор.pdf")
    await expect(said, "kept", ("Договор.pdf", len(CONTENT), True))
    await upload(bot)
    await refused(bot.answer_callback_query("1"), TelegramBadRequest, "query is too old")
    await refused(bot.send_message(ANNA, ""), TelegramBadRequest, "message text is empty")
    await act(sandbox, "telegram/block", blocked=True, **CUSTOMER)
    await expect(said, "member", "kicked")
    await refused(bot.send_message(ANNA, "hello?"), TelegramForbiddenError, "bot was blocked by the user")
    await act(sandbox, "telegram/block", blocked=False, **CUSTOMER)
    await expect(said, "member", "member")


async def upload(bot):
    """The bot sends files and reacts, and finds its files again."""
    document = await bot.send_document(ANNA, BufferedInputFile(CONTENT, "Счёт.pdf"), caption="Your invoice")
    assert document.document.file_name == "Счёт.pdf" and document.caption == "Your invoice", document
    file = await bot.get_file(document.document.file_id)
    assert (await bot.download_file(file.file_path)).read() == CONTENT
    photo = await bot.send_photo(ANNA, BufferedInputFile(PICTURE, "dot.png"))
    assert photo.photo, photo
    again = await bot.send_photo(ANNA, photo.photo[-1].file_id)
    assert again.photo[-1].file_unique_id == photo.photo[-1].file_unique_id, again
    album = [InputMediaPhoto(media=BufferedInputFile(PICTURE, f"{n}.png"), caption=f"{n}") for n in range(2)]
    sent = await bot.send_media_group(ANNA, album)
    assert [message.caption for message in sent] == ["0", "1"] and sent[0].media_group_id, sent
    assert await bot.set_message_reaction(ANNA, photo.message_id, [ReactionTypeEmoji(emoji="👍")])


async def act(sandbox, what, **how):
    """The page's requests block; the bot has to go on meanwhile."""
    return await asyncio.to_thread(sandbox.act, what, **how)


async def refused(call, how, why):
    """The call has to fail in the way that aiogram has a type for."""
    try:
        await call
    except how as error:
        assert why in error.message, error.message
    else:
        raise AssertionError(f"not refused: {why}")


async def judge(sandbox):
    """Lets the bot run and talks to it."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.telegram["api_url"]))
    said = asyncio.Queue()
    async with Bot(sandbox.token, session=session) as bot:
        assert (await bot.get_me()).is_bot
        assert (await bot.get_webhook_info()).url == ""
        polls = dispatcher(said)
        polling = asyncio.create_task(polls.start_polling(bot, handle_signals=False, polling_timeout=5))
        try:
            await converse(sandbox, bot, said)
        finally:
            await polls.stop_polling()
            await polling
