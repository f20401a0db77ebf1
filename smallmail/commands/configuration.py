"""What the verbs on settings and state do. Reading verbs return their text, their data for --json, their exit code."""
import argparse
import time
from collections import OrderedDict

from smallmail.commands import telling
from smallmail.commands.telling import Told
from smallmail.configuration import apply, history, plan
from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.settings import fields, file_format, store


def plan_(host: Host, _: argparse.Namespace) -> Told:
    """What apply would do, and what was changed by hand."""
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
    """Bring the host to what the settings say."""
    words = ["apply"] + ["--replace " + name for name in options.replace]
    outcome = apply.apply(host, store.load(host), telling.asked(" ".join(words)), replace=options.replace)
    return telling.tell(host, outcome)


def history_(host: Host, options: argparse.Namespace) -> Told:
    """The last configurations, or how one differs from the one before it."""
    kept = history.entries(host)
    before = dict(zip([applied.number for applied in kept[1:]], kept))
    if options.number is not None:
        chosen = history.one(host, options.number)
        kept = [chosen]
        lines = list(history.diff(before.get(chosen.number), chosen))
    else:
        lines = ["{:>4}  {}  {}\n      {}".format(
            applied.number, time.strftime("%Y-%m-%d %H:%M", time.localtime(applied.when)), applied.asked,
            history.summary(before.get(applied.number), applied)) for applied in kept]
    data = [OrderedDict([("number", applied.number), ("when", applied.when), ("asked", applied.asked),
                         ("versions", applied.versions),
                         ("diff", list(history.diff(before.get(applied.number), applied)))]) for applied in kept]
    return "\n".join(lines) or "Nothing was applied yet.", data, 0


def rollback(host: Host, options: argparse.Namespace) -> int:
    """Back to the settings and own Postfix lines of an earlier configuration, made anew for today's versions."""
    kept = history.entries(host)
    if options.number is None and len(kept) < 2:
        raise Problem("there is no configuration before this one to go back to")
    chosen = history.one(host, options.number) if options.number is not None else kept[-2]
    file = chosen.inputs[fields.PATH]
    if file is None:
        raise Problem("configuration {} has no settings to go back to".format(chosen.number))
    wanted = store.checked(file_format.parse(file.content.decode("utf-8")))
    outcome = apply.apply(host, wanted, telling.asked("rollback {}".format(chosen.number)), chosen.inputs)
    return telling.tell(host, outcome)
