"""The judges can say no."""

import copy
import json
import unittest
from pathlib import Path

import recorded

UPDATE = json.loads((Path(__file__).parent.parent / "fixtures/telegram/photo.json").read_text())
SEND = {
    "remote": "telegram",
    "client": "telekommo/0",
    "method": "sendmessage",
    "form": "application/json",
    "args": {"chat_id": 7, "text": "hi", "reply_parameters": {"message_id": 1}},
    "answer": {"ok": True, "result": UPDATE["message"]},
    "by_hand": [],
}
FILE = {"name": "a.jpg", "content_type": "image/jpeg", "size": 9}
UPLOADED = {"method": "sendphoto", "form": "multipart/form-data; boundary=x", "args": {"chat_id": "7", "photo": FILE}}
DELIVERED = {
    "remote": "kommo",
    "client": "telekommo/0",
    "path": "/v2/origin/custom/scope/id/delivery_status",
    "body": '{"msgid": "id", "delivery_status": 1}',
}
EDITED = {
    **DELIVERED,
    "path": "/v2/origin/custom/scope",
    "body": json.dumps({
        "event_type": "edit_message",
        "payload": {
            "timestamp": 1,
            "msec_timestamp": 1000,
            "id": "theirs",
            "msgid": "ours",
            "conversation_ref_id": "chat",
            "message": {"type": "picture", "text": "what it says now"},
        },
    }),
}


def judged(exchange, **changes):
    """What the judge finds in an exchange with other values at some places: a__b is b in a."""
    exchange = copy.deepcopy(exchange)
    for place, value in changes.items():
        *way, last = place.split("__")
        inner = exchange
        for key in way:
            inner = inner[key]
        inner[last] = copy.deepcopy(value)
        if value is None:
            del inner[last]
    judge = recorded.Judge()
    judge.line(exchange)
    return sorted(judge.findings)


class Judges(unittest.TestCase):
    def test_what_is_right_passes(self):
        texts = {"chat_id": "7", "text": "7", "reply_parameters": '{"message_id": 1}'}
        self.assertEqual(judged(SEND), [])
        self.assertEqual(judged(SEND, form="multipart/form-data", args=texts), [])
        self.assertEqual(judged(SEND, **UPLOADED), [])
        media = '[{"type": "photo", "media": "attach://one"}]'
        album = {"args": {"chat_id": "7", "media": media, "one": FILE}, "method": "sendmediagroup"}
        self.assertEqual(judged(SEND, **{**UPLOADED, **album, "answer__result": []}), [])
        self.assertEqual(judged(DELIVERED), [])
        self.assertEqual(judged(EDITED), [])

    def test_what_was_refused_unread_is_no_mistake(self):
        too_large = {"ok": False, "error_code": 413, "description": "Request Entity Too Large"}
        self.assertEqual(judged({**SEND, "args": None, "answer": too_large}), [])
        refused = {**too_large, "error_code": 400}
        self.assertTrue(judged({**SEND, "args": None, "answer": refused}))

    def test_each_mistake_is_found_and_named(self):
        for exchange, changes, finding in [
            (SEND, {"args__bogus": 1}, "request sendMessage: bogus: no such field"),
            (SEND, {"args__text": None}, "request sendMessage: text: required, but missing"),
            (SEND, {"args__text": 7}, "request sendMessage: text: 7 is no String"),
            (
                SEND,
                {"args__reply_parameters__bogus": 1},
                "request sendMessage: reply_parameters.bogus: no such field of ReplyParameters",
            ),
            (SEND, {"method": "sendbogus"}, "request sendbogus: no such method"),
            (SEND, {"args": "unreadable"}, "request sendMessage: the arguments are no object: unreadable"),
            (SEND, {**UPLOADED, "args__photo": None}, "request sendPhoto: photo: required, but missing"),
            (SEND, {**UPLOADED, "args__caption": FILE}, 'request sendPhoto: caption: "a file" is no String'),
            (SEND, {**UPLOADED, "args__one": FILE}, "request sendPhoto: one: no such field"),
            (SEND, {"answer__result__bogus": 1}, "answer to sendMessage: result.bogus: no such field of Message"),
            (SEND, {"answer__result__bogus": 1}, "answer to sendMessage: aiogram: Message.bogus: no such field"),
            (
                SEND,
                {"answer__result__chat__type": 5},
                "answer to sendMessage: aiogram: result.chat.type: Input should be a valid string",
            ),
            (SEND, {"answer": {"ok": False, "error_code": "4", "description": ""}}, 'error_code: "4" is no Integer'),
            (DELIVERED, {"body": '{"bogus": 1}'}, "Kommo, delivery_status: amojowrapper: bogus: no such field"),
            (EDITED, {"body": EDITED["body"].replace("edit_message", "new_message")}, "media is required for type"),
            (DELIVERED, {"body": '{"delivery_status": "1"}'}, "amojowrapper: delivery_status: Input should be a valid"),
        ]:
            with self.subTest(finding):
                found = judged(exchange, **changes)
                self.assertTrue(any(finding in line for line in found), found)

    def test_a_secret_that_was_told_is_found(self):
        self.assertEqual(
            judged({"remote": "telegram", "leak": "telegram was told the key"}),
            ["a secret was told to whom it is not for: telegram was told the key"],
        )

    def test_updates_are_judged_unless_written_by_hand(self):
        wrong = {**UPDATE, "message": {**UPDATE["message"], "bogus": 1}}
        poll = {**SEND, "method": "getupdates", "args": {}, "answer": {"ok": True, "result": [UPDATE, wrong]}}
        self.assertIn("update message: message.bogus: no such field of Message", judged(poll))
        self.assertIn("update message: aiogram: Message.bogus: no such field", judged(poll))
        self.assertEqual(judged(poll, by_hand=[1]), [])

    def test_only_the_bridges_requests_are_judged(self):
        self.assertEqual(judged(SEND, client="", args__bogus=1), [])

    def test_an_empty_record_is_no_test_run(self):
        lacks = recorded.Judge().missing()
        self.assertIn("no request sendmessage of the bridge", lacks)
        self.assertIn("no update callback_query", lacks)
