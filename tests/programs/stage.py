"""`telekommo sandbox` with a bridge that serves one program, and that program."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

# npm puts its packages beside those of the interpreter (README.md).
MODULES = Path(sys.prefix) / "node_modules"
SECRET = "7000000001:of_the_program_and_nobody_else"
WITHIN = 60
ANNA = {"source": "sales", "customer": 777000111}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def texts(messages):
    return [it["text"] for it in messages]


# Who has said something in Kommo.
def customer(text):
    return ("customer", text)


def bot(text):
    return ("bot", text)


def manager(text):
    return ("manager", text)


class Stage:
    def __init__(self, binary, file, settings=(), by_webhook=False):
        self.page, self.api = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        lines = [
            f'gateway.listen = "{self.api[7:]}"',
            'programs.shop.source = "sales"',
            f'programs.shop.secret = "{SECRET}"',
            *settings,
        ]
        self.by_webhook = by_webhook
        environment = {**os.environ, "BOT_API": self.api, "BOT_TOKEN": SECRET, "WEBHOOK_SECRET": "of-the-webhook"}
        if by_webhook:
            environment["PORT"] = str(free_port())
        wanted = [it for line in lines for it in ("--set", line)]
        sandbox = [binary, "sandbox", "--listen", self.page[7:], *wanted]
        self._processes = [subprocess.Popen(sandbox, stdout=subprocess.DEVNULL)]
        self.until("the sandbox is up", self.state)
        self._home = tempfile.TemporaryDirectory()
        command = [sys.executable, "-B"] if file.suffix == ".py" else ["node"]
        (Path(self._home.name) / "node_modules").symlink_to(MODULES)
        copy = shutil.copy(file, self._home.name)
        self._processes.append(subprocess.Popen([*command, copy], cwd=self._home.name, env=environment))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        self._home.cleanup()

    def write(self, text):
        self._act("telegram/write", ANNA, text=text)

    def press(self, label):
        """Presses the newest button below a message that is called like this."""
        rows = [(it["id"], row, keys) for it in self.in_telegram() for row, keys in enumerate(it["keys"])]
        found = [(id, row, keys) for id, row, keys in rows if label in texts(keys)]
        assert found, f"there is no button {label}: {rows}"
        id, row, keys = found[-1]
        self._act("telegram/press", ANNA, message_id=id, row=row, column=texts(keys).index(label))

    def press_key(self, label):
        """Presses a button in place of the keyboard."""
        row, keys = next((row, keys) for row, keys in enumerate(self.keyboard()) if label in keys)
        self._act("telegram/press_key", ANNA, row=row, column=keys.index(label))

    def reply(self, text):
        """A manager writes."""
        [chat] = self._conversations()
        self._act("kommo/reply", {"conversation_id": chat["conversation_id"], "author": "Mary"}, text=text)

    def _act(self, what, who, **how):
        body = json.dumps({**who, **how}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.page}/api/{what}", body), timeout=10) as answer:
            return json.load(answer)

    def state(self):
        try:
            with urllib.request.urlopen(f"{self.page}/api/state", timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return None

    def call(self, method):
        """What the program would be answered."""
        with urllib.request.urlopen(f"{self.api}/bot{SECRET}/{method}", timeout=10) as answer:
            return json.load(answer)["result"]

    def _chat(self):
        chats = self.state()["telegram"]
        mine = [it for it in chats if it["source"] == ANNA["source"] and it["customer"] == ANNA["customer"]]
        return next(it for it in mine if not it["group"])

    def in_telegram(self):
        """What the customer sees of the bot."""
        return [it for it in self._chat()["messages"] if it["from"] == "bot"]

    def keyboard(self):
        return [texts(row) for row in self._chat()["keyboard"]]

    def _conversations(self):
        return [it for it in self.state()["kommo"] if it["source"] == ANNA["source"]]

    def in_kommo(self):
        """What managers see."""
        return [it for chat in self._conversations() for it in chat["messages"]]

    def until_said(self, *wanted):
        """Waits until the bot has said this, and nothing else."""
        self.until(f"it says {wanted}", lambda: texts(self.in_telegram()) == list(wanted))

    def until_shown(self, *wanted):
        """Waits until managers see this, each with who has said it, and nothing else."""
        shown = lambda: [(it["from"], it["text"]) for it in self.in_kommo()]
        self.until(f"Kommo shows {wanted}", lambda: shown() == list(wanted))
        told = {it["status"] for it in self.in_kommo() if it["from"] == "bot"}
        assert told <= {"delivered"}, told

    def until(self, what, condition):
        deadline = time.monotonic() + WITHIN
        while not condition():
            assert all(it.poll() is None for it in self._processes), "the sandbox or the program has ended"
            assert time.monotonic() < deadline, f"it did not happen that {what}: {self._seen()}"
            time.sleep(0.1)

    def _seen(self):
        sides = {"Telegram": self._chat()["messages"], "Kommo": self.in_kommo()} if self.state() else {}
        return {side: [(it["from"], it["text"]) for it in messages] for side, messages in sides.items()}
