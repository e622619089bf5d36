"""Lets programs of others' libraries talk through the gateway: python tests/programs BINARY [NAME...]"""

import sys
from functools import partial
from pathlib import Path

import examples
from stage import Stage, bot, customer

HERE = Path(__file__).parent
LIBRARIES = {
    "aiogram": "of_aiogram.py",
    "python-telegram-bot": "of_python_telegram_bot.py",
    "grammY": "of_grammy.js",
    "Telegraf": "of_telegraf.js",
}


def talk(stage):
    shown = [customer("/start"), bot("Welcome to the shop\n\n[Order]")]
    stage.write("/start")
    stage.until_shown(*shown)
    stage.press("Order")
    shown = [customer("/start"), bot("Ordered"), customer("Order")]
    stage.until_shown(*shown)
    stage.write("hello")
    shown += [customer("hello"), bot("You said: hello")]
    stage.until_shown(*shown)
    stage.write("bill")
    stage.until_shown(*shown, customer("bill"), bot("Your bill"))
    stage.until_said("Ordered", "You said: hello", "Your bill")
    assert stage.in_telegram()[2]["media"]["name"] == "bill.txt"
    assert stage.call("getWebhookInfo")["url"].endswith("/hook") == stage.by_webhook


def plays():
    for library, file in LIBRARIES.items():
        stage = partial(Stage, file=HERE / file)
        yield library, stage, talk
        # The webhooks are on this machine.
        local = ["gateway.allow_private = true"]
        yield f"{library} by webhook", partial(stage, settings=local, by_webhook=True), talk
    yield from examples.plays()


def main(binary, *names):
    binary, fine = str(Path(binary).resolve()), True
    known = {name: (open_stage, play) for name, open_stage, play in plays()}
    for name in names or known:
        open_stage, play = known[name]
        try:
            with open_stage(binary) as stage:
                play(stage)
            print(f"{name}: talked through the gateway")
        except AssertionError as error:
            fine = False
            print(f"WRONG: {name}: {str(error)[:3000]}")
    return fine


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
