"""What the verbs on settings and state do. Reading verbs return their text, their data for --json, their exit code."""
import argparse
import sys
from collections import OrderedDict
from typing import Any, Tuple

from smallmail import apply, passwords, plan, report, settings, store
from smallmail import dns as dns_records
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
    if not host.exists(settings.PATH):
        store.load(host)    # says how to set the host up
    changes = dict(_assignment(host, word, options.password_stdin) for word in options.changes)
    changed = store.checked(dict(settings.parse(host.text(settings.PATH)), **changes))
    text = store.changed_text(host, {name: changed.text(name) for name in changes})
    if not store.may_change(host, text):
        raise Problem("this host has a mail configuration of its own: 'smallmail set take-over=yes' lets smallmail"
                      " change it, 'smallmail plan' shows how")
    before = host.text(settings.PATH)
    store.save(host, text)
    try:
        outcome = apply.apply(host, store.load(host))
    except BaseException:
        store.save(host, before)
        raise
    return _tell(outcome)


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
        value = sys.stdin.readline().rstrip("\n") if from_stdin else ""
        if value and name == "rspamd-password":
            value = passwords.rspamd_hash(value)
    return name, value


def plan_(host: Host, _: argparse.Namespace) -> Told:
    """What apply would do, and what was changed by hand."""
    found = apply.changes(host, store.load(host))
    lines = []
    for change in found:
        lines.append(plan.describe(change))
        if change.action != plan.EDITED:
            lines.extend(plan.diff(change))
    data = [OrderedDict([("what", plan.describe(change)), ("action", change.action), ("name", change.name)])
            for change in found]
    to_do = plan.to_do(found)
    if not to_do:
        lines.append("Nothing to do.")
    return "\n".join(lines), data, 1 if to_do else 0


def apply_(host: Host, _: argparse.Namespace) -> int:
    """Bring the host to what the settings say."""
    return _tell(apply.apply(host, store.load(host)))


def _tell(outcome: Outcome) -> int:
    for change in outcome.done + outcome.by_hand:
        print(plan.describe(change))
    for notice in outcome.notices:
        print(notice)
    if outcome.touched:
        print("Reloaded: " + ", ".join(outcome.touched))
    if not outcome.done and not outcome.touched:
        print("Nothing to do.")
    return 0


def dns_show(host: Host, _: argparse.Namespace) -> Told:
    """The records to set."""
    records = report.records(host, store.load(host))
    data = [OrderedDict(zip(record._fields, record)) for record in records]
    return dns_records.zone_text(records).rstrip(), data, 0
