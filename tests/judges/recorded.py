"""Judges what the fakes wrote down while the tests ran (src/sandbox/record.rs).

Of the bridge's requests to Telegram, every argument has to be one of the Bot API, and the required ones have to be
there. Everything that the fake answered, to whomever, has to be what the Bot API describes, and aiogram's models have
to read it. Of the bridge's requests to Kommo, amojowrapper's models have to read the bodies.

Not judged: answers of faults (the fake did not give them) and updates that a test wrote by hand.
"""

import json
from collections import Counter
from pathlib import Path

from aiogram import Bot
from aiogram import methods as aiogram_methods
from aiogram.methods.base import Response
from aiogram.types import Update
from aiogram.types.base import TelegramObject
from amojowrapper.actions.delivery.schemes import DeliveryStatusRequest
from amojowrapper.actions.message.schemes import RequestModel
from amojowrapper.actions.react.schemes import ReactScheme
from amojowrapper.actions.typing.schemes import TypingScheme
from pydantic import BaseModel, ValidationError

import bot_api

BRIDGE = "telekommo/"
# Without these the record is not one of the whole test run.
METHODS = {
    "getupdates", "getfile", "sendmessage", "sendchataction", "answercallbackquery", "editmessagereplymarkup",
    "sendphoto", "sendvideo", "sendaudio", "sendvoice", "sendsticker", "senddocument", "sendmediagroup",
    "sendlocation", "sendcontact", "setmessagereaction", "getbusinessconnection", "readbusinessmessage",
}
KINDS = {
    "message", "edited_message", "callback_query", "message_reaction", "my_chat_member", "channel_post",
    "business_connection", "business_message", "edited_business_message", "deleted_business_messages",
}
# A form that broke off on its way is none that could be judged.
BROKE_OFF = "unexpected end of request content"
# What is larger than the server takes is refused unread, so that there are no arguments either.
TOO_LARGE = 413
# What aiogram asks for and Bot API 10.1 does not have yet.
LATER = {"can_send_welcome_messages"}
# What the reference of the Chats API has and amojowrapper's models leave out.
NOT_IN_AMOJOWRAPPER = {
    "payload.message.media_duration",
    "payload.message.delivery_status",
    "payload.id",
    "status_code",
    "msgid",
    "duration_ms",
}


class Judge:
    """Collects findings, and counts what was looked at."""

    def __init__(self):
        self.findings = Counter()
        self.seen = {"requests": Counter(), "answers": Counter(), "updates": Counter(), "kommo": Counter()}
        self.by_hand = 0

    def line(self, exchange):
        """Judges one exchange."""
        if "leak" in exchange:
            self._found("a secret was told to whom it is not for", [exchange["leak"]])
        elif exchange["remote"] == "telegram":
            self._telegram(exchange)
        else:
            self._kommo(exchange)

    def missing(self):
        """What a whole test run has and this record does not."""
        methods, kinds = set(self.seen["requests"]), set(self.seen["updates"])
        lacks = [f"no request {name} of the bridge" for name in sorted(METHODS - methods)]
        lacks += [f"no update {kind}" for kind in sorted(KINDS - kinds)]
        return lacks + ([] if self.seen["kommo"] else ["no request of the bridge to Kommo"])

    def _telegram(self, exchange):
        method = bot_api.METHODS.get(exchange["method"])
        if exchange["client"].startswith(BRIDGE):
            self.seen["requests"][exchange["method"]] += 1
            self._request(method, exchange)
        answer = exchange["answer"]
        if answer and answer["ok"]:
            self.seen["answers"][exchange["method"]] += 1
            self._answer(method, exchange)
        elif answer:
            description = {"ok": ["Boolean"], "error_code": ["Integer"], "description": ["String"]}
            wrong = [it for key, types in description.items() for it in bot_api.value(answer.get(key), types, key)]
            self._found(f"refusal of {exchange['method']}", wrong)

    def _request(self, method, exchange):
        if method is None:
            self._found(f"request {exchange['method']}", ["no such method"])
            return
        if exchange["args"] is None and _is_unread(exchange["answer"]):
            return
        as_texts = bot_api.is_form(exchange["form"])
        args = exchange["args"]
        if isinstance(args, dict):
            # The answer of a program's webhook names the method among the parameters, and goes on as it is.
            args = {name: value for name, value in args.items() if name != "method"}
        wrong = bot_api.arguments(method, args, as_texts)
        self._found(f"request {method['name']}", wrong)

    def _answer(self, method, exchange):
        if method is None:
            self._found(f"answer to {exchange['method']}", ["no such method"])
            return
        if method["name"] == "getUpdates":
            for n, update in enumerate(exchange["answer"]["result"]):
                if n in exchange["by_hand"]:
                    self.by_hand += 1
                else:
                    self.update(update)
            return
        where = f"answer to {method['name']}"
        self._found(where, bot_api.value(exchange["answer"]["result"], method["returns"], "result"))
        returning = getattr(aiogram_methods, method["name"][0].upper() + method["name"][1:]).__returning__
        self._read(where, Response[returning], exchange["answer"])

    def update(self, update):
        """Judges one update."""
        kind = next((key for key in update if key != "update_id"), "?")
        self.seen["updates"][kind] += 1
        self._found(f"update {kind}", bot_api.value(update, ["Update"]))
        self._read(f"update {kind}", Update, update)

    def _read(self, where, model, value):
        try:
            read = model.model_validate(value, context={"bot": BOT})
        except ValidationError as error:
            errors = [it for it in error.errors() if it["loc"][-1] not in LATER]
            self._found(where, [f"aiogram: {_path(it['loc'])}: {it['msg']}" for it in errors])
            return
        self._found(where, [f"aiogram: {it}" for it in _extras(read) if not _is_described(it)])

    def _kommo(self, exchange):
        path = exchange["path"].split("/")
        if not exchange["client"].startswith(BRIDGE) or path[1:4] != ["v2", "origin", "custom"]:
            return
        about = path[-1] if len(path) > 5 else "message"
        self.seen["kommo"][about] += 1
        models = {
            "message": RequestModel,
            "delivery_status": DeliveryStatusRequest,
            "typing": TypingScheme,
            "react": ReactScheme,
        }
        model = models.get(about)
        if model is None:
            return
        where = f"request to Kommo, {about}"
        try:
            body = json.loads(exchange["body"])
            read = model.model_validate(body, strict=True)
        except ValidationError as error:
            errors = [it for it in error.errors() if not _is_unchanged_file(body, it)]
            self._found(where, [f"amojowrapper: {_path(it['loc'])}: {it['msg']}" for it in errors])
            return
        unknown = set(_unread(body, read)) - NOT_IN_AMOJOWRAPPER
        self._found(where, [f"amojowrapper: {path}: no such field" for path in unknown])

    def _found(self, where, findings):
        self.findings.update(f"{where}: {finding}" for finding in findings)


def _is_unread(answer):
    return answer["error_code"] == TOO_LARGE or BROKE_OFF in answer["description"]


def _is_unchanged_file(body, error):
    """Whether amojowrapper misses the file of an edit: the reference lets it out where it is the same as before."""
    return (
        body.get("event_type") == "edit_message"
        and not body["payload"]["message"].keys() & {"media", "file_name", "file_size"}
        and error["msg"].startswith("Value error, media is required for type")
    )


def _path(location):
    return ".".join(str(part) for part in location)


def _extras(model):
    """Type.field of everything that aiogram kept without knowing it."""
    if isinstance(model, BaseModel):
        if isinstance(model, TelegramObject):
            yield from (f"{type(model).__name__}.{key}: no such field" for key in model.model_extra or {})
        for name in type(model).model_fields:
            yield from _extras(getattr(model, name))
    elif isinstance(model, list):
        for item in model:
            yield from _extras(item)


def _is_described(extra):
    """Whether the Bot API has the field: then it is only newer than aiogram, or older (see bot_api._is_old_name)."""
    name, field = extra.split(":")[0].split(".")
    return field in bot_api.TYPES.get(name, {"fields": {}})["fields"] or field == "thumb"


def _unread(body, model, path=""):
    for key, value in body.items():
        where = f"{path}.{key}" if path else key
        if key not in type(model).model_fields:
            yield where
        elif isinstance(value, dict) and isinstance(getattr(model, key), BaseModel):
            yield from _unread(value, getattr(model, key), where)


def judge(folder):
    """Judges all files of a folder, and the fixtures of updates."""
    it = Judge()
    for file in sorted(Path(folder).glob("*.jsonl")):
        for line in file.read_text().splitlines():
            it.line(json.loads(line))
    lacks = it.missing()
    for file in sorted((Path(__file__).parent.parent / "fixtures/telegram").glob("*.json")):
        if file.name != "bot_api.json":
            it.update(json.loads(file.read_text()))
    return it, lacks


BOT = Bot("1:judge")
