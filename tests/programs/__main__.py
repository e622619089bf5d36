"""Lets programs of others' libraries talk through the gateway: python tests/programs BINARY [NAME...]"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = {
    "aiogram": [sys.executable, "-B", "of_aiogram.py"],
    "python-telegram-bot": [sys.executable, "-B", "of_python_telegram_bot.py"],
    "grammY": ["node", "of_grammy.js"],
    "Telegraf": ["node", "of_telegraf.js"],
}
SECRET = "7000000001:of_the_program_and_nobody_else"
WITHIN = 60
ANNA = {"source": "sales", "customer": 777000111}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Stage:
    """`telekommo sandbox` with a bridge that serves one program, and that program."""

    def __init__(self, binary, command):
        self.page, self.api = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        lines = [
            f'gateway.listen = "{self.api[7:]}"',
            'programs.shop.source = "sales"',
            f'programs.shop.secret = "{SECRET}"',
        ]
        wanted = [it for line in lines for it in ("--set", line)]
        sandbox = [binary, "sandbox", "--listen", self.page[7:], *wanted]
        self._sandbox = subprocess.Popen(sandbox, stdout=subprocess.DEVNULL)
        self.until("the sandbox is up", lambda: self.state())
        environment = {**os.environ, "API": self.api, "SECRET": SECRET}
        self._program = subprocess.Popen(command, cwd=HERE, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self._program, self._sandbox):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()

    def act(self, what, **how):
        body = json.dumps({**ANNA, **how}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.page}/api/telegram/{what}", body), timeout=10) as it:
            return json.load(it)

    def state(self):
        try:
            with urllib.request.urlopen(f"{self.page}/api/state", timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return None

    def in_telegram(self):
        """What the customer sees of the bot: texts and captions, each with the name of its file."""
        chats = self.state()["telegram"]
        chat = next(it for it in chats if it["source"] == "sales" and it["customer"] == ANNA["customer"] and not it["group"])
        return [it for it in chat["messages"] if it["from"] == "bot"]

    def in_kommo(self):
        chats = [it for it in self.state()["kommo"] if it["source"] == "sales"]
        return [it for chat in chats for it in chat["messages"]]

    def until(self, what, condition):
        deadline = time.monotonic() + WITHIN
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen that {what}: {self.state()}"
            time.sleep(0.1)


def texts(messages):
    return [it["text"] for it in messages]


def play(stage):
    stage.act("write", text="/start")
    stage.until("it says hello", lambda: texts(stage.in_telegram()) == ["Welcome to the shop"])
    stage.act("press", message_id=stage.in_telegram()[0]["id"], row=0, column=0)
    stage.until("it takes the order", lambda: texts(stage.in_telegram()) == ["Ordered"])
    stage.act("write", text="hello")
    stage.until("it repeats", lambda: texts(stage.in_telegram())[1:] == ["You said: hello"])
    stage.act("write", text="bill")
    want = ["Ordered", "You said: hello", "Your bill"]
    stage.until("it sends the bill", lambda: texts(stage.in_telegram()) == want)
    assert stage.in_telegram()[2]["media"]["name"] == "bill.txt"
    shown = ["/start", "Ordered", "Order", "hello", "You said: hello", "bill", "Your bill"]
    stage.until("Kommo shows all of it", lambda: texts(stage.in_kommo()) == shown)
    told = {it["status"] for it in stage.in_kommo() if it["from"] != "customer"}
    assert told == {"delivered"}, told


def main(binary, *names):
    binary, fine = str(Path(binary).resolve()), True
    for name in names or PROGRAMS:
        try:
            with Stage(binary, PROGRAMS[name]) as stage:
                play(stage)
            print(f"{name}: talked through the gateway")
        except AssertionError as error:
            fine = False
            print(f"WRONG: {name}: {str(error)[:3000]}")
    return fine


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
