"""amojowrapper as a channel at the fake Chats API, and its check of the signatures of hooks.

What it does not do right is avoided: it can only reach https://amojo.<domain>, so its base address is set after it was
made; ReactAction.set gives the whole response; a reaction can only name a message by Kommo's id.
"""

import contextlib
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from amojowrapper.actions import (
    ChannelAction,
    ChatAction,
    DeliveryStatusAction,
    HistoryAction,
    MessageAction,
    ReactAction,
    TypingAction,
)
from amojowrapper.client import AmojoClient
from amojowrapper.request.exceptions import RequestError
from amojowrapper.validators.webhook import WebhookValidator

CONVERSATION = "tg:sales:777000111"
CUSTOMER = "tg-user:777000111"


class Hooks:
    """Where Kommo's hooks arrive."""

    def __init__(self):
        arrived = self._arrived = queue.Queue()

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                arrived.put((body, self.headers["X-Signature"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"

    def next(self):
        """The next hook: its body as it came, and its signature."""
        return self._arrived.get(timeout=10)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def client(kommo, **other):
    """A client of the channel; `other` replaces what it knows."""
    known = {"channel_secret": kommo["channel_secret"], "channel_id": kommo["channel_id"], **other}
    made = AmojoClient(referer="amojo.kommo.com", amojo_account_token=kommo["account_id"], **known)
    made.amojo_base_url = kommo["chats_url"]
    return made


def judge(sandbox, hooks):
    """The channel connects, a customer writes through it, and a manager answers."""
    channel = client(sandbox.kommo)
    connected = ChannelAction(channel).connect(title="judge")
    assert connected.scope_id == sandbox.kommo["scope_id"], connected
    refused(lambda: ChannelAction(client(sandbox.kommo, channel_secret="0" * 40)).connect(), 403)
    chat = ChatAction(channel).create(
        conversation_id=CONVERSATION, source_external_id="sales", user_id=CUSTOMER, user_name="Anna Петрова"
    )
    assert chat.user.client_id == CUSTOMER, chat
    customer_writes(channel, chat.id)
    manager_answers(sandbox, channel, hooks)
    assert ChannelAction(channel).disconnect()
    refused(lambda: TypingAction(channel).send(conversation_id=CONVERSATION, sender_id=CUSTOMER), 404)
    ChannelAction(channel).connect()


def customer_writes(channel, chat_id):
    """Messages of all kinds, a change, a reaction, and how the history shows them."""
    who = {"conversation_id": CONVERSATION, "sender_id": CUSTOMER, "sender_name": "Anna Петрова"}
    messages = MessageAction(channel)
    first = messages.send(msgid="judge:1", message_type="text", message_text="Привет 👋", **who).new_message
    assert first.ref_id == "judge:1" and first.conversation_id == chat_id, first
    place = {"message_type": "location", "message_location_lon": 30.3, "message_location_lat": 59.9}
    messages.send(msgid="judge:2", reply_to_msgid="judge:1", **place, **who)
    card = {"message_contact_name": "Ben", "message_contact_phone": "+15550199"}
    messages.send(msgid="judge:3", message_type="contact", **card, **who)
    edited = messages.edit(msgid="judge:1", message_type="text", message_text="Hi 👋", conversation_id=CONVERSATION)
    assert edited.new_message.msgid == first.msgid, edited
    assert TypingAction(channel).send(conversation_id=CONVERSATION, sender_id=CUSTOMER)
    reaction = {"id": first.msgid, "user_id": CUSTOMER, "type": "react", "emoji": "👍"}
    assert ReactAction(channel).set(conversation_id=CONVERSATION, **reaction).status_code == 200
    shown = HistoryAction(channel).get(conversation_ref_id=chat_id).messages
    told = {item.message.client_id: (item.message.type, item.message.text) for item in shown}
    assert told["judge:1"] == ("text", "Hi 👋"), told
    assert {type for type, _ in told.values()} == {"text", "location", "contact"}, told


def manager_answers(sandbox, channel, hooks):
    """Each hook has the signature that amojowrapper makes, and a message can be told to be delivered."""
    where = {"conversation_id": CONVERSATION}
    answer = sandbox.act("kommo/reply", author="Maria", text="Здравствуйте 👋", **where)
    said = json.loads(checked(channel, hooks))
    assert said["message"]["message"]["id"] == answer["message_id"], said
    assert said["message"]["conversation"]["client_id"] == CONVERSATION, said
    sandbox.act("kommo/typing", **where)
    typing = json.loads(checked(channel, hooks))
    assert typing["action"]["typing"]["conversation"]["client_id"] == CONVERSATION, typing
    delivery = DeliveryStatusAction(channel)
    for status in [{"delivery_status": 1}, {"delivery_status": -1, "error_code": 905, "error": "blocked"}]:
        assert delivery.set(msgid=answer["message_id"], **status) == 200


def checked(channel, hooks):
    """The next hook's body, once its signature has been judged."""
    body, signature = hooks.next()
    check = WebhookValidator(channel).validate
    assert check(body, signature), f"the signature of a hook is not the one that amojowrapper makes: {body[:80]}"
    assert not check(body.replace("{", "{ ", 1), signature), "any body has this signature"
    return body


def refused(call, status):
    """The call has to fail with an HTTP status."""
    try:
        # It prints what it raises.
        with contextlib.redirect_stdout(None):
            call()
    except RequestError as error:
        assert f" {status}: " in error.message, error.message
    else:
        raise AssertionError(f"not refused with {status}")
