"""`smallmail plan`, `apply`, `history` and `rollback`: what would change, do it, what was done, and the way back."""
import argparse
from collections import OrderedDict

from smallmail.commands import outcome
from smallmail.commands.arguments.parser import Told
from smallmail.configuration import apply, history, plan
from smallmail.errors import Problem
from smallmail.machine import dates
from smallmail.machine.file import text_of
from smallmail.machine.host import Host
from smallmail.settings import fields, file_format, store


def plan_(host: Host, _: argparse.Namespace) -> Told:
    """Return what apply would do, and what was changed by hand."""
    found, lines = apply.job(host, store.load(host)).changes, apply.unread(host)
    for change in found:
        lines.append(plan.describe(change))
        if change in plan.by_hand(found):
            lines.append("  ('smallmail apply --replace {}' would do this:)".format(plan.label(change)))
        lines.extend(plan.diff(change))
    data = [OrderedDict([("what", plan.describe(change)), ("action", change.action), ("name", change.name)])
            for change in found]
    to_do = plan.to_do(found)
    if not to_do:
        lines.append("Nothing to do.")
    return "\n".join(lines), data, 1 if to_do else 0


def apply_(host: Host, options: argparse.Namespace) -> int:
    """Make the host match the settings. Returns the exit code."""
    words = ["apply"] + ["--replace " + name for name in options.replace]
    done = apply.apply(host, store.load(host), outcome.asked(" ".join(words)), replace=options.replace)
    return outcome.tell(host, done)


def history_(host: Host, options: argparse.Namespace) -> Told:
    """Return the last configurations, or how one differs from the one before it."""
    kept = history.entries(host)
    before = dict(zip([applied.number for applied in kept[1:]], kept))
    if options.number is not None:
        chosen = history.one(host, options.number)
        kept = [chosen]
        lines = list(history.diff(before.get(chosen.number), chosen))
    else:
        lines = ["{:>4}  {}  {}\n      {}".format(
            applied.number, dates.minute(applied.when), applied.asked,
            history.summary(before.get(applied.number), applied)) for applied in kept]
    data = [OrderedDict([("number", applied.number), ("when", applied.when), ("asked", applied.asked),
                         ("versions", applied.versions),
                         ("diff", list(history.diff(before.get(applied.number), applied)))]) for applied in kept]
    return "\n".join(lines) or "Nothing was applied yet.", data, 0


def rollback(host: Host, options: argparse.Namespace) -> int:
    """Return to an earlier configuration's settings and own Postfix lines, rendered for today's versions."""
    kept = history.entries(host)
    chosen = history.one(host, options.number) if options.number is not None else history.step_back(kept)
    if chosen is None:
        raise Problem("no earlier configuration is kept to return to: 'smallmail history' lists those that are")
    file = chosen.inputs[fields.PATH]
    if file is None:
        raise Problem("configuration {} has no settings to return to".format(chosen.number))
    wanted = store.checked(file_format.parse(text_of(file.content)))
    done = apply.apply(host, wanted, outcome.asked("rollback {}".format(chosen.number)), chosen.inputs,
                       returned=chosen.number)
    print("Returned to configuration {}; 'smallmail rollback {}' takes this back.".format(
        chosen.number, kept[-1].number))
    return outcome.tell(host, done, is_new=True)
