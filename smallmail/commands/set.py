"""`smallmail set`: changes settings and applies them."""
import argparse
import sys
from collections import OrderedDict
from typing import Dict, List, Tuple

from smallmail.accounts import database, passwords
from smallmail.commands import outcome
from smallmail.configuration import apply, in_force
from smallmail.errors import Problem, WrongUsage
from smallmail.machine.host import Host
from smallmail.settings import fields, file_format, store
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, obtain, tlsa
from smallmail.zones import points_here


def set_(host: Host, options: argparse.Namespace) -> int:
    """Check, write and apply; when the daemons refuse, the settings are what they were. Returns the exit code."""
    typed = OrderedDict(_assignment(word) for word in options.changes)
    if not host.text(fields.PATH):
        store.load(host)    # says how to set the host up
    changes = {name: _secret(name, options.password_stdin) if fields.FIELDS[name].secret else value
               for name, value in typed.items()}
    changed = _together(file_format.parse(host.text(fields.PATH)), changes)
    text = store.changed_text(host, {name: changed.text(name) for name in changes})
    if not in_force.may_change(host, text):
        raise Problem("this host has a mail configuration of its own: 'smallmail set take-over=yes' lets smallmail"
                      " change it, 'smallmail plan' shows how")
    if not _agreed(_doubts(host, changed)):
        print("Nothing was changed.")
        return 1
    if any(name in ("certificate", "certificate-file", "key-file") for name in changes):
        if changed.certificate == "files":
            with host.lock():   # an apply would go on with the copy that is in use
                certificate.ensure(host, changed)
        tlsa.look(host, changed.hostname)
    names = ["{}={}".format(name, "" if fields.FIELDS[name].secret else changed.text(name)) for name in changes]
    is_new = text != host.text(fields.PATH)
    done = apply.apply(host, changed, outcome.asked("set " + " ".join(names)), {fields.PATH: store.file(text)})
    if is_new:
        print("Saved in /{}: {}.".format(fields.PATH, ", ".join(changes)))
    if obtain.wanted(host, changed, obtain.attempts(host)):
        done.notices.append("A certificate will be requested within minutes: 'smallmail certificate status' shows the"
                            " progress.")
    return outcome.tell(host, done, is_new)


def _doubts(host: Host, changed: Settings) -> List[str]:
    """Return what a person should know before the change, in sentences. Raises WrongUsage for a first mailbox that does
    not exist, if nobody is there to be asked."""
    before, doubts = in_force.load_or_last(host), []
    if changed.address != before.address:
        with database.open_accounts(host) as accounts:
            is_new = not accounts.has_mailbox(changed.address)
        if is_new and not sys.stdin.isatty():
            raise WrongUsage("there is no mailbox {}: create it first with 'smallmail user add {}'".format(
                changed.address, changed.address))
        if is_new:
            doubts.append("There is no mailbox {}: it will be created, and mail for postmaster, abuse and root will be"
                          " delivered there.".format(changed.address))
    if changed.hostname != before.hostname and changed.certificate == "letsencrypt":
        obstacle = points_here.obstacle(changed.hostname)
        if obstacle:
            doubts.append("The present certificate stays in use, and mail programs that connect to {} warn their users:"
                          " {}.".format(changed.hostname, obstacle))
    return doubts


def _agreed(doubts: List[str]) -> bool:
    """Show the sentences, and ask who sits at a terminal whether to go on. Returns the answer; True for a program."""
    for sentence in doubts:
        print(sentence, file=sys.stderr)
    if not doubts or not sys.stdin.isatty():
        return True
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def _together(texts: Dict[str, str], changes: Dict[str, str]) -> Settings:
    """Return the settings with these changes. Raises WrongUsage if the changes contradict each other or other settings;
    Problem if the settings were wrong before them, too."""
    try:
        return store.checked(dict(texts, **changes))
    except Problem as error:
        if _is_correct(texts):
            raise WrongUsage(str(error))
        raise


def _is_correct(texts: Dict[str, str]) -> bool:
    try:
        store.checked(texts)
    except Problem:
        return False
    return True


def _assignment(word: str) -> Tuple[str, str]:
    """Return the name and the value. Raises WrongUsage if the word does not have them."""
    name, equals, value = word.partition("=")
    if not equals:
        raise WrongUsage("'{}' is not NAME=VALUE: type 'smallmail set {}=…'".format(word, word))
    if name == "password":
        raise WrongUsage("a mailbox's password is changed by 'smallmail user passwd ADDRESS'")
    field = fields.known(name)
    if field.secret and value:
        raise WrongUsage("a secret does not belong on the command line: type 'smallmail set {}=' to be asked for it"
                         .format(name))
    try:
        return name, field.check(value) if value.strip() else ""
    except ValueError as error:
        raise WrongUsage("{}: {}".format(name, error))


def _secret(name: str, from_stdin: bool) -> str:
    """Return the secret from standard input or from the terminal; without a terminal 'NAME=' empties it."""
    if from_stdin:
        value = sys.stdin.readline().rstrip("\n")
        if not value:
            raise WrongUsage("nothing came from standard input: without --password-stdin '{}=' empties it".format(name))
    else:
        value = passwords.typed("{} (empty: none): ".format(name)) if sys.stdin.isatty() else ""
    return passwords.rspamd_hash(value) if value and name == "rspamd-password" else value
