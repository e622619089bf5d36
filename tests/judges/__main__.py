"""Judges the fakes by what others know of both APIs: python tests/judges RECORD BINARY"""

import asyncio
import sys
import traceback

import kommo_client
import recorded
import telegram_client
from sandbox import Sandbox

MOST_SHOWN = 40


def judge_record(folder):
    """Prints what is wrong in the record; gives whether nothing is."""
    it, lacks = recorded.judge(folder)
    for what, counted in it.seen.items():
        print(f"{what}:", ", ".join(f"{name} {count}" for name, count in counted.most_common()))
    print(f"updates that a test wrote by hand, not judged: {it.by_hand}")
    wrong = [f"{finding} ({times} times)" for finding, times in it.findings.most_common()]
    wrong += [f"the record is not of a whole test run: {lack}" for lack in lacks]
    for line in wrong[:MOST_SHOWN]:
        print(f"WRONG: {line}")
    return not wrong


def judge_clients(binary):
    """Lets both clients talk to the sandbox; gives whether they understood it."""
    hooks = kommo_client.Hooks()
    fine = True
    with Sandbox(binary, hooks.url) as sandbox:
        judges = {
            "aiogram": lambda: asyncio.run(telegram_client.judge(sandbox)),
            "amojowrapper": lambda: kommo_client.judge(sandbox, hooks),
        }
        for name, judge in judges.items():
            try:
                judge()
                print(f"{name}: talked to the sandbox")
            except Exception as error:
                fine = False
                place = traceback.extract_tb(error.__traceback__)[-1]
                ours = [it for it in traceback.extract_tb(error.__traceback__) if "judges" in it.filename][-1]
                print(f"WRONG: {name}: {ours.filename}:{ours.lineno}: {ours.line}")
                print(f"       {type(error).__name__}: {str(error)[:600]} ({place.name})")
    hooks.close()
    return fine


if __name__ == "__main__":
    record, binary = sys.argv[1:]
    verdicts = [judge_record(record), judge_clients(binary)]
    sys.exit(0 if all(verdicts) else 1)
