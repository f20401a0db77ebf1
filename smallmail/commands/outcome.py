"""Tell the person who typed a command what it has changed, and tell the history who typed it."""
import os

from smallmail.configuration import apply, plan
from smallmail.configuration.apply import Outcome
from smallmail.machine.host import Host


def asked(words: str) -> str:
    """Return who asks for what, for the history."""
    user = os.environ.get("SUDO_USER")
    return "smallmail {}{}".format(words, " ({})".format(user) if user else "")


def tell(host: Host, outcome: Outcome, is_new: bool = False) -> int:
    """Print what was done and what was left alone. Returns the exit code.

    `is_new`: the settings were changed, which may be all that was done: not every daemon reads every setting.
    """
    for change in outcome.done:
        print("Changed: {}".format(plan.place(change)))
    for change in outcome.by_hand:
        print(plan.describe(change))
    for notice in outcome.notices + apply.unread(host):
        print(notice)
    if outcome.touched:
        print("Reloaded: {}.".format(", ".join(outcome.touched)))
    if not outcome.done and not outcome.touched and not is_new:
        print("Nothing to do.")
    return 0
