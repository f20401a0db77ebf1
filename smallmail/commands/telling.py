"""What was carried out of larger files: see the names below."""
import os
from typing import Any, Tuple

from smallmail.configuration import apply, plan
from smallmail.configuration.apply import Outcome
from smallmail.machine.host import Host
from smallmail.settings import fields

Told = Tuple[str, Any, int]


def asked(words: str) -> str:
    """Who asks for what, for the history."""
    user = os.environ.get("SUDO_USER")
    return "smallmail {}{}".format(words, " ({})".format(user) if user else "")


def tell(host: Host, outcome: Outcome, is_new: bool = False) -> int:
    """`is_new`: the settings say something else than before, if no daemon reads it."""
    for change in outcome.done + outcome.by_hand:
        print(plan.describe(change))
    for notice in outcome.notices + apply.unread(host):
        print(notice)
    if outcome.touched:
        print("Reloaded: " + ", ".join(outcome.touched))
    if not outcome.done and not outcome.touched:
        print("Noted in /{}.".format(fields.PATH) if is_new else "Nothing to do.")
    return 0
