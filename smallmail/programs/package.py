"""What the maintainer scripts call: configure, triggered, remove. See debian/smallmail-server.postinst and prerm."""
import contextlib
import os
import sys
from typing import Dict, List

from smallmail import __version__
from smallmail.accounts import first_mailbox, passwords
from smallmail.configuration import apply, hand_back, in_force, plan, prepare, ucf
from smallmail.configuration.arrival import settle, whose
from smallmail.daemons import facts, postfix_maps
from smallmail.errors import EXPECTED, Problem, sentence
from smallmail.folders import volume
from smallmail.machine import letters, state, stock_store
from smallmail.machine.host import Failed, Host
from smallmail.programs import installed
from smallmail.settings import ask, fields, file_format, idn, store
from smallmail.settings.fields import Settings

_NOT_SET_UP = """\
smallmail-server is installed and has changed nothing yet: no question was answered.
Mail does not work yet. Type 'dpkg-reconfigure smallmail-server' to set it up."""

_NO_MAIL = """\
The settings and accounts of another machine are here, but not its mail: {}.
Mail does not work yet. Put the mail into {}, then type 'smallmail apply'."""

_FORMER_NAME = """\
/{}: {} is now written '{}'. Until now a name in it was changed to
that by an old standard. If you mean the name as it was written, set it again."""


def configure(host: Host, arguments: List[str]) -> int:
    """Put answers into settings and settings onto the host, after installation, upgrade and dpkg-reconfigure.

    `arguments`: the maintainer script's own; behind the first one the version before (Policy 6.5). Raises Problem.
    """
    try:
        _configure(host, arguments[1] if len(arguments) > 1 else "")
    except EXPECTED as error:
        raise Problem("{}\nsmallmail-server: when that is put right, type 'dpkg --configure -a' (preseeded answers are"
                      " put right by debconf-set-selections)".format(sentence(error)))
    return 0


def _configure(host: Host, before: str) -> None:
    database = ask.connect()
    answers = ask.answers(database)
    if answers is None and not host.exists(fields.PATH):
        print(_NOT_SET_UP)
        return
    text = store.changed_text(host, _changes(host, answers or {}))
    if idn.is_former(before):
        text, former = file_format.with_former_names(text)
        for name, value in former.items():
            print(_FORMER_NAME.format(fields.PATH, name, value))
    wanted = store.parsed(text)
    password = (answers or {}).get("password", "")
    if password:
        first_mailbox.keep_hash(host, passwords.hashed(host, password))
    store.save(host, text)
    # From here on the answers live in our own files; before, an error leaves them for the next try.
    ask.forget_passwords(database)
    if not in_force.may_change(host, text):
        print("This host has a mail configuration of its own: nothing was changed.\n"
              "Type 'smallmail set take-over=yes' to let smallmail change it; 'smallmail plan' shows how.")
        return
    missing = volume.missing(host, wanted.mail_directory)
    if missing and not state.in_charge(host.root):
        print(_NO_MAIL.format(missing, wanted.mail_directory))
        return
    prepare.forget_compiled(host)
    outcome = apply.apply(host, wanted, _asked(before))
    _settle(host, wanted, outcome.by_hand)
    if before and facts.version_tuple(before) < (0, 5):
        prepare.forget_word_index(host, wanted)
    postfix_maps.renew(host)
    _print_all(stock_store.retire(host))
    print(installed.installed(host, wanted, outcome))


def arrive(host: Host, _: List[str]) -> int:
    """Make state that was put here from a backup this machine's, before a unit of ours reads it. Never fails: the
    apply that follows tries again, and says what is wrong."""
    with contextlib.suppress(*EXPECTED):
        if whose.is_due(host):
            with host.lock():
                _print_all(settle.settle(host, in_force.load_or_last(host).mail_directory))
    return 0


def _asked(before: str) -> str:
    """What brought us here, for the history (debconf-devel(7): DEBCONF_RECONFIGURE; Policy 6.5)."""
    if os.environ.get("DEBCONF_RECONFIGURE") == "1":
        return "dpkg-reconfigure smallmail-server"
    if before and before != __version__:
        return "upgrade of smallmail-server from {} to {}".format(before, __version__)
    return "installation of smallmail-server {}".format(__version__)


def _changes(host: Host, answers: Dict[str, str]) -> Dict[str, str]:
    """The settings that were answered differently from what they are. An empty secret means: as it was."""
    texts = file_format.parse(host.text(fields.PATH)) if host.exists(fields.PATH) else {}
    changes = {}
    for name, answer in answers.items():
        if name not in fields.FIELDS:
            continue
        field = fields.FIELDS[name]
        if field.secret and not answer:
            continue
        if name == "rspamd-password":
            answer = passwords.rspamd_hash(answer)
        # "no" to taking over is written down: later it may be all that tells of what was in the way then.
        if answer != texts.get(name, field.default) or (name == "take-over" and name not in texts):
            changes[name] = answer
    if not answers.get("relay-username", texts.get("relay-username", "")) and texts.get("relay-password"):
        changes["relay-password"] = ""
    return changes


def _settle(host: Host, wanted: Settings, by_hand: List[plan.Change]) -> None:
    """Let ucf ask the admin about each file that both changed, and apply what the admin takes of ours."""
    conflicts = [change for change in by_hand if change.action == plan.CONFLICT and change.kind == "files"
                 and change.wanted is not None]
    if conflicts and ucf.ask(host, conflicts):
        apply.apply(host, wanted, "an answer to ucf's question")


def triggered(host: Host, _: List[str]) -> int:
    """Render for the version of a daemon that was just installed. Never fails: dpkg would leave us half configured."""
    if not host.exists(fields.PATH) or not state.in_charge(host.root):
        return 0
    try:
        known = in_force.load_record(host).versions
        versions = facts.gather(host.root).versions
    except Problem:
        return 0    # a daemon is gone: its removal triggers us too
    try:
        renewed = ["{} {} (it was {})".format(daemon, version, known.get(daemon))
                   for daemon, version in versions.items() if known.get(daemon) != version]
        outcome = apply.apply(host, in_force.load_or_last(host), ", ".join(renewed) or "dpkg's trigger")
        letters.alarm(host, outcome.notices)
        _print_all(stock_store.retire(host))
    except EXPECTED as error:
        print("smallmail-server: {}; 'smallmail apply' tries again".format(sentence(error)), file=sys.stderr)
    with contextlib.suppress(Failed):
        postfix_maps.renew(host)
    return 0


def remove(host: Host, _: List[str]) -> int:
    """Give the daemons back what they had, before the package is removed."""
    _print_all(hand_back.hand_back(host))
    return 0


def _print_all(sentences: List[str]) -> None:
    for each in sentences:
        print(each)
