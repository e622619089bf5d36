"""Plays a customer of each example of the manual, with the configuration that stands there."""

import json
import tomllib
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from stage import Stage, bot, customer, manager

DOCS = Path(__file__).parents[2] / "src/docs"


def settings(program):
    """What the chapter sets for a program, but for what the stage has of its own."""
    blocks = (DOCS / "examples.md").read_text().split("```toml\n")[1:]
    blocks = [tomllib.loads(block.split("```")[0]) for block in blocks]
    [block] = [it for it in blocks if program in it["programs"]]
    own = {"source", "secret_file"}
    lines = {f"programs.shop.{key}": it for key, it in block["programs"][program].items() if key not in own}
    lines |= {f"gateway.{key}": it for key, it in block.get("gateway", {}).items()}
    return [f"{key} = {json.dumps(it)}" for key, it in lines.items()]


def shop(stage):
    stage.write("/start")
    stage.until_said("What may it be?")
    stage.write("/cart")
    stage.until_said("What may it be?", "The cart is empty.")
    for label in ("Green tea, 7 €", "Teapot, 35 €", "Green tea, 7 €", "Show the cart"):
        stage.press(label)
    cart = "2 × Green tea\n1 × Teapot\nTotal: 49 €"
    stage.until_said("What may it be?", "The cart is empty.", cart)
    stage.press("Order")
    said = ["What may it be?", "The cart is empty.", cart, "Where shall we send it?"]
    stage.until_said(*said)
    assert stage.in_kommo() == [], "managers see somebody who looks around"
    stage.write("1 Main Street")
    order = f"Order 1 goes to: 1 Main Street\n{cart}"
    stage.until_said(*said, order)
    stage.until_shown(customer("1 Main Street"), bot(order))
    stage.reply("It leaves our house today.")
    stage.until_said(*said, order, "It leaves our house today.")
    # The program answers nobody whom it has not asked.
    stage.write("Thank you!")
    stage.write("/cart")
    stage.until_said(*said, order, "It leaves our house today.", "The cart is empty.")
    shown = [manager("It leaves our house today."), customer("Thank you!"), bot("The cart is empty.")]
    stage.until_shown(customer("1 Main Street"), bot(order), *shown)


def booking(stage):
    day = date.today() + timedelta(days=2)
    slot = f"{day} 14:00"
    stage.write("/book")
    stage.until_said("Which day?")
    stage.press(f"{day:%A}")
    stage.until_said(f"{day}: at what time?")
    stage.press("14:00")
    booked = [customer("/book"), bot(f"Booked: {slot}"), customer("14:00")]
    stage.until_shown(*booked)
    stage.write("/book")
    stage.until_said(f"Booked: {slot}", "Which day?")
    stage.press(f"{day:%A}")
    # That time is taken.
    again = [customer("/book"), bot(f"{day}: at what time?\n\n[10:00]\n[12:00]\n[16:00]")]
    stage.until_shown(*booked, *again)
    stage.write("/mine")
    stage.until_shown(*booked, *again, customer("/mine"), bot(f"Your times:\n\n[Cancel {slot}]"))
    stage.press(f"Cancel {slot}")
    cancelled = [customer("/mine"), bot(f"Cancelled: {slot}"), customer(f"Cancel {slot}")]
    stage.until_shown(*booked, *again, *cancelled)
    stage.until_said(f"Booked: {slot}", f"{day}: at what time?", f"Cancelled: {slot}")
    info = stage.call("getWebhookInfo")
    assert info["url"].endswith("/bookings") and info["pending_update_count"] == 0, info


def menu(stage):
    main = "How can I help you?\n\n[Dishes] [Opening hours]\n[Talk to a person]"
    stage.write("/start")
    stage.until_said("How can I help you?")
    assert stage.keyboard() == [["Dishes", "Opening hours"], ["Talk to a person"]]
    shown = []

    def then(act, what, who, *answers):
        act(what)
        shown.extend([who(what), *(bot(answer) for answer in answers)])
        stage.until_shown(*shown)

    dishes = "[Soup of the day]\n[Dumplings]\n[Honey cake]\n[Back]"
    then(stage.press_key, "Dishes", customer, f"Choose a dish.\n\n{dishes}")
    then(stage.press_key, "Honey cake", customer, "A piece for 4 €")
    then(stage.press_key, "Back", customer, main)
    colleague = "What is it about? A colleague answers here."
    then(stage.press_key, "Talk to a person", customer, f"{colleague}\n\n[Back to the menu]")
    # The program has nothing to say now.
    then(stage.write, "Have you a table for six?", customer)
    then(stage.reply, "Yes, at eight.", manager)
    then(stage.press_key, "Back to the menu", customer, main)
    # The customer saw neither more nor less.
    said = ["How can I help you?", "Choose a dish.", "A piece for 4 €", "How can I help you?"]
    stage.until_said(*said, colleague, "Yes, at eight.", "How can I help you?")


def plays():
    """Each with its name, and how its stage is opened."""
    examples = {"shop.py": ("shop", shop), "booking.py": ("bookings", booking), "menu.js": ("menu", menu)}
    for file, (program, play) in examples.items():
        example = DOCS / "examples" / file
        yield file, partial(Stage, file=example, settings=settings(program), by_webhook=program == "bookings"), play
