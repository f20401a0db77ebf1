"""What was carried out of larger files: see the names below."""
import argparse
import sys
from collections import OrderedDict
from typing import Tuple

from smallmail.accounts import passwords
from smallmail.commands import telling
from smallmail.commands.telling import Told
from smallmail.configuration import apply, in_force
from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.settings import fields, file_format, store
from smallmail.tls import obtain, tlsa

_HIDDEN = "(set; not shown)"


def show(host: Host, options: argparse.Namespace) -> Told:
    """The settings, secrets hidden."""
    current = store.load(host)
    shown = OrderedDict()
    for name in options.names or fields.FIELDS:
        field = fields.known(name)
        shown[name] = _HIDDEN if field.secret and current.text(name) else current.text(name)
    return "\n".join("{} = {}".format(name, value).rstrip() for name, value in shown.items()), shown, 0


def set_(host: Host, options: argparse.Namespace) -> int:
    """Check, write, apply; when the daemons refuse, the settings are again what they were."""
    if not host.text(fields.PATH):
        store.load(host)    # says how to set the host up
    changes = dict(_assignment(host, word, options.password_stdin) for word in options.changes)
    changed = store.checked(dict(file_format.parse(host.text(fields.PATH)), **changes))
    text = store.changed_text(host, {name: changed.text(name) for name in changes})
    if not in_force.may_change(host, text):
        raise Problem("this host has a mail configuration of its own: 'smallmail set take-over=yes' lets smallmail"
                      " change it, 'smallmail plan' shows how")
    if any(name in ("certificate", "certificate-file", "key-file") for name in changes):
        tlsa.look(host, changed.hostname)
    names = ["{}={}".format(name, "" if fields.FIELDS[name].secret else changed.text(name)) for name in changes]
    is_new = text != host.text(fields.PATH)
    outcome = apply.apply(host, changed, telling.asked("set " + " ".join(names)), {fields.PATH: store.file(text)})
    if obtain.wanted(host, changed, obtain.attempts(host)):
        outcome.notices.append("A certificate is asked for within minutes: 'smallmail certificate status' tells how far"
                               " that is.")
    return telling.tell(host, outcome, is_new)


def _assignment(host: Host, word: str, from_stdin: bool) -> Tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise Problem("'{}' is not KEY=VALUE: type 'smallmail set {}=…'".format(word, word))
    if name == "password":
        raise Problem("passwords of mailboxes are set by 'smallmail user passwd ADDRESS'")
    if fields.known(name).secret:
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
