"""What the verbs on settings and state do. Reading verbs return their text, their data for --json, their exit code."""
import argparse
import os
import sys
import time
from collections import OrderedDict
from typing import Any, Tuple

from smallmail import acme, apply, history, passwords, plan, settings, store, tlsa
from smallmail import status as host_status
from smallmail.apply import Outcome
from smallmail.errors import Problem
from smallmail.host import Host

Told = Tuple[str, Any, int]

_HIDDEN = "(set; not shown)"


def status(host: Host, _: argparse.Namespace) -> Told:
    """One screen; exit code 1 when something is not as it should be."""
    state = host_status.gather(host, store.load(host))
    state["problems"] = host_status.problems(state)
    return host_status.screen(state), state, 1 if state["problems"] else 0


def show(host: Host, options: argparse.Namespace) -> Told:
    """The settings, secrets hidden."""
    current = store.load(host)
    shown = OrderedDict()
    for name in options.names or settings.FIELDS:
        field = settings.known(name)
        shown[name] = _HIDDEN if field.secret and current.text(name) else current.text(name)
    return "\n".join("{} = {}".format(name, value).rstrip() for name, value in shown.items()), shown, 0


def set_(host: Host, options: argparse.Namespace) -> int:
    """Check, write, apply; when the daemons refuse, the settings are again what they were."""
    if not host.text(settings.PATH):
        store.load(host)    # says how to set the host up
    changes = dict(_assignment(host, word, options.password_stdin) for word in options.changes)
    changed = store.checked(dict(settings.parse(host.text(settings.PATH)), **changes))
    text = store.changed_text(host, {name: changed.text(name) for name in changes})
    if not store.may_change(host, text):
        raise Problem("this host has a mail configuration of its own: 'smallmail set take-over=yes' lets smallmail"
                      " change it, 'smallmail plan' shows how")
    if any(name in ("certificate", "certificate-file", "key-file") for name in changes):
        tlsa.look(host, changed.hostname)
    names = ["{}={}".format(name, "" if settings.FIELDS[name].secret else changed.text(name)) for name in changes]
    is_new = text != host.text(settings.PATH)
    outcome = apply.apply(host, changed, asked("set " + " ".join(names)), {settings.PATH: store.file(text)})
    if acme.wanted(host, changed, acme.state(host)):
        outcome.notices.append("A certificate is asked for within minutes: 'smallmail certificate status' tells how far"
                               " that is.")
    return _tell(host, outcome, is_new)


def asked(words: str) -> str:
    """Who asks for what, for the history."""
    user = os.environ.get("SUDO_USER")
    return "smallmail {}{}".format(words, " ({})".format(user) if user else "")


def _assignment(host: Host, word: str, from_stdin: bool) -> Tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise Problem("'{}' is not KEY=VALUE: type 'smallmail set {}=…'".format(word, word))
    if name == "password":
        raise Problem("passwords of mailboxes are set by 'smallmail user passwd ADDRESS'")
    if settings.known(name).secret:
        if value:
            raise Problem("a secret does not belong on the command line: type 'smallmail set --password-stdin {}='"
                          .format(name))
        value = _secret(name, from_stdin)
        if value and name == "rspamd-password":
            value = passwords.rspamd_hash(value)
    return name, value


def _secret(name: str, from_stdin: bool) -> str:
    """From standard input, or asked for; without a terminal 'KEY=' empties it."""
    if not from_stdin:
        return passwords.typed("{} (empty: none): ".format(name)) if sys.stdin.isatty() else ""
    value = sys.stdin.readline().rstrip("\n")
    if not value:
        raise Problem("nothing came from standard input: without --password-stdin '{}=' empties it".format(name))
    return value


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
    return _tell(host, apply.apply(host, store.load(host), asked(" ".join(words)), replace=options.replace))


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
    file = chosen.inputs[settings.PATH]
    if file is None:
        raise Problem("configuration {} has no settings to go back to".format(chosen.number))
    wanted = store.checked(settings.parse(file.content.decode("utf-8")))
    outcome = apply.apply(host, wanted, asked("rollback {}".format(chosen.number)), chosen.inputs)
    return _tell(host, outcome)


def _tell(host: Host, outcome: Outcome, is_new: bool = False) -> int:
    """`is_new`: the settings say something else than before, if no daemon reads it."""
    for change in outcome.done + outcome.by_hand:
        print(plan.describe(change))
    for notice in outcome.notices + apply.unread(host):
        print(notice)
    if outcome.touched:
        print("Reloaded: " + ", ".join(outcome.touched))
    if not outcome.done and not outcome.touched:
        print("Noted in /{}.".format(settings.PATH) if is_new else "Nothing to do.")
    return 0
