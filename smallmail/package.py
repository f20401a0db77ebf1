"""What the maintainer scripts call: configure, triggered, remove. See debian/smallmail-server.postinst and prerm."""
import contextlib
import os
import sys
from typing import Dict, List

from smallmail import (
    __version__,
    apply,
    ask,
    assets,
    facts,
    handback,
    passwords,
    plan,
    record,
    report,
    services,
    settings,
    store,
    ucf,
)
from smallmail.errors import EXPECTED, Problem
from smallmail.host import Failed, Host
from smallmail.settings import Settings

_NOT_SET_UP = """\
smallmail-server is installed and has changed nothing yet: no question was answered.
Type 'dpkg-reconfigure smallmail-server' to set it up."""


def configure(host: Host, before: str) -> None:
    """After installation, upgrade (from the version `before`) and dpkg-reconfigure: answers into settings, settings
    onto the host."""
    database = ask.connect()
    answers = ask.answers(database)
    if answers is None and not host.exists(settings.PATH):
        print(_NOT_SET_UP)
        return
    text = store.changed_text(host, _changes(host, answers or {}))
    wanted = store.parsed(text)
    password = (answers or {}).get("password", "")
    if password:
        assets.keep_password(host, passwords.hashed(host, password))
    store.save(host, text)
    # From here on the answers live in our own files; before, an error leaves them for the next try.
    ask.forget_passwords(database)
    if not store.may_change(host, text):
        print("This host has a mail configuration of its own: nothing was changed.\n"
              "Type 'smallmail set take-over=yes' to let smallmail change it; 'smallmail plan' shows how.")
        return
    assets.forget_compiled(host)
    outcome = apply.apply(host, wanted, _asked(before))
    _settle(host, wanted, outcome.by_hand)
    services.renew_maps(host)
    print(report.installed(host, wanted, outcome))


def _asked(before: str) -> str:
    """What brought us here, for the history (debconf-devel(7): DEBCONF_RECONFIGURE; Policy 6.5)."""
    if os.environ.get("DEBCONF_RECONFIGURE") == "1":
        return "dpkg-reconfigure smallmail-server"
    if before and before != __version__:
        return "upgrade of smallmail-server from {} to {}".format(before, __version__)
    return "installation of smallmail-server {}".format(__version__)


def _changes(host: Host, answers: Dict[str, str]) -> Dict[str, str]:
    """The settings that were answered differently from what they are. An empty secret means: as it was."""
    texts = settings.parse(host.text(settings.PATH)) if host.exists(settings.PATH) else {}
    changes = {}
    for name, answer in answers.items():
        if name not in settings.FIELDS:
            continue
        field = settings.FIELDS[name]
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
    """Where the admin and we both changed a file, ucf asks him; what he takes of ours is then applied."""
    conflicts = [change for change in by_hand if change.action == plan.CONFLICT and change.kind == "files"
                 and change.wanted is not None]
    if conflicts and ucf.ask(host, conflicts):
        apply.apply(host, wanted, "an answer to ucf's question")


def triggered(host: Host) -> None:
    """Another version of a daemon was installed: render for it. Never fails: dpkg would leave us half configured."""
    if not host.exists(settings.PATH) or not host.exists(record.PATH):
        return
    try:
        known = apply.load_record(host).versions
        versions = facts.gather(host.root).versions
    except Problem:
        return  # a daemon is gone: its removal triggers us too
    try:
        renewed = ["{} {} (it was {})".format(daemon, version, known.get(daemon))
                   for daemon, version in versions.items() if known.get(daemon) != version]
        outcome = apply.apply(host, store.load_or_last(host), ", ".join(renewed) or "dpkg's trigger")
        report.alarm(host, outcome.notices)
    except EXPECTED as error:
        print("smallmail-server: {}; 'smallmail apply' tries again".format(error), file=sys.stderr)
    with contextlib.suppress(Failed):
        services.renew_maps(host)


def remove(host: Host) -> None:
    """Before removal: the daemons get back what they had."""
    for sentence in handback.hand_back(host):
        print(sentence)


def main(arguments: List[str]) -> int:
    """Run one of the three; the exit code. Behind `configure` are the maintainer script's own arguments."""
    host = Host()
    try:
        if arguments[0] == "configure":
            configure(host, arguments[2] if len(arguments) > 2 else "")
        else:
            {"triggered": triggered, "remove": remove}[arguments[0]](host)
    except EXPECTED as error:
        print("smallmail-server: {}".format(error), file=sys.stderr)
        if arguments[0] == "configure":
            print("smallmail-server: when that is put right, type 'dpkg --configure -a' (preseeded answers are put"
                  " right by debconf-set-selections)", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
