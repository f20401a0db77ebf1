"""Ask Dovecot for the layout that its configuration has now."""
import re
from typing import NamedTuple

from smallmail.folders import moves
from smallmail.machine.host import Failed, Host

InForce = NamedTuple("InForce", [
    ("layout", str),        # moves.TREE, moves.FLAT, or "" for an admin's own
    ("every_tilde", bool),  # as in names.escaped()
])

# What templates/dovecot-*/etc/dovecot/conf.d/95-smallmail-mail.conf.j2 says, as doveconf prints it: all lines of one.
# Before 2.4 one setting has it all.
_LAYOUTS = (
    (moves.TREE, ["mail_location = maildir:~/mail:LAYOUT=fs:MAILBOXDIR=mailboxes:DIRNAME=%%maildir"]),
    (moves.TREE, ["mail_location = maildir:~/mail:LAYOUT=fs:MAILBOXDIR=mailboxes:DIRNAME=%%maildir:NO-NOSELECT"]),
    (moves.FLAT, ["mail_location = maildir:~/mail"]),
    (moves.TREE, ["mail_driver = maildir", "mail_path = ~/mail",
                  "mailbox_root_directory_name = mailboxes", "mailbox_directory_name = %maildir"]),
    (moves.FLAT, ["mail_driver = maildir", "mail_path = ~/mail"]),
)


def ask(host: Host) -> InForce:
    """Return the layout. If Dovecot does not accept its configuration, it is nobody's."""
    try:
        return read(host.run(["doveconf", "-n"]))
    except Failed:
        return InForce("", True)


def read(text: str) -> InForce:
    """Return the layout that this output of `doveconf -n` has."""
    lines = set(text.splitlines())
    is_own = any(line.startswith(("mailbox_list_layout", "mailbox_directory_name")) for line in lines)
    for layout, needed in _LAYOUTS:
        if lines.issuperset(needed) and (layout == moves.TREE or not is_own):
            return InForce(layout, _version(text) >= (2, 3, 14))
    return InForce("", True)


def _version(text: str) -> "tuple[int, ...]":
    """Return the version in the first line: "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf"."""
    found = re.match(r"# ([\d.]+)", text)
    return tuple(int(number) for number in found.group(1).strip(".").split(".")) if found else ()
