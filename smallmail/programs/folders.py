"""Convert the mailboxes before Dovecot starts: `run folders`, from /usr/lib/smallmail/before-dovecot.

Dovecot must not read a mailbox of the other layout: it would see an empty INBOX. Only here it surely does not run, and
this works after an upgrade, after an apply that was taken back, after a power cut, and when a mailbox comes back from
an old backup.

Dovecot must not begin mailboxes below a mount that is missing, either.
"""
import contextlib
import sys
from typing import List

from smallmail.errors import Problem
from smallmail.folders import convert, in_force, volume
from smallmail.machine import letters, state, state_files
from smallmail.machine.host import Failed, Host

# sysexits.h: a temporary failure. before-dovecot then keeps Dovecot from starting.
_KEEPS_DOVECOT_DOWN = 75


def folders(host: Host, _: List[str]) -> int:
    """Give all mailboxes the layout that Dovecot's configuration has. Returns the exit code."""
    directory = host.text(state.MAIL_DIRECTORY).strip()
    if not directory or not state.in_charge(host.root):
        return 0
    missing = volume.missing(host, volume.remembered(host))
    if missing:
        print("smallmail: " + missing, file=sys.stderr)
        return _KEEPS_DOVECOT_DOWN
    found = in_force.ask(host)
    if not found.layout:
        return 0
    try:
        sentences = convert.to_layout(host.path(directory[1:]), found.layout, found.every_tilde)
    except Problem as error:
        print("smallmail: the mailboxes were not converted: {}".format(error), file=sys.stderr)
        return _KEEPS_DOVECOT_DOWN
    _tell(host, sentences)
    return 0


def _tell(host: Host, sentences: List[str]) -> None:
    """Remember the sentences for `smallmail check`, and mail those that are new to root."""
    new = [sentence for sentence in sentences if sentence not in state_files.load_json(host, state.UNCONVERTED, [])]
    if sentences or host.exists(state.UNCONVERTED):
        state_files.save_json(host, state.UNCONVERTED, sentences)
    for sentence in sentences:
        print("smallmail: " + sentence, file=sys.stderr)
    if new:
        with contextlib.suppress(Failed):
            letters.mail(host, "smallmail: the folders of a mailbox could not be converted", "\n\n".join(new))
