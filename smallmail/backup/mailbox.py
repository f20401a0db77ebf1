"""Bring letters of one mailbox back, into its folder "Restored": as vmail, beside what is there now.

restic writes them into a folder of root's. Only what the owner of the mail owned when it was saved goes on from there,
to a process that runs as vmail and writes them as a delivery does: whole, under a name that is not taken.
"""
import base64
import email.header
import email.parser
import os
import stat
from typing import Iterator, List, NamedTuple, Tuple

from smallmail.backup import restic
from smallmail.backup.snapshots import Made
from smallmail.errors import Problem
from smallmail.folders import files, former, names
from smallmail.machine import as_user, state
from smallmail.machine.host import Host

INTO = "Restored"
_BOXES = "/mail/mailboxes"
_OWNER = "vmail"
_HEADERS = 65536

Wanted = NamedTuple("Wanted", [
    ("folder", str),    # as mail programs show it; "": all folders
    ("subject", str),   # a part of the subject; "": all letters
])


def restore(host: Host, snapshot: Made, mail: str, address: str, wanted: Wanted) -> int:
    """Put the wanted letters of a mailbox into its folder INTO. `mail`: the mail directory when it was saved.
    Returns how many there were. Raises Problem."""
    boxes = former.home(mail, address) + _BOXES
    with restic.scratch(host) as folder:
        scratch = host.path(folder)
        restic.run(host, ["restore", snapshot.number, "--target", scratch, "--include", boxes + _below(wanted.folder)])
        root = scratch + boxes
        if not os.path.isdir(root):
            raise Problem("the backup {} has no such mailbox or folder".format(snapshot.number))
        owner = os.stat(os.path.dirname(root)).st_uid
        found = [(path, os.path.relpath(path, root)) for path in _letters(root, owner) if _fits(path, wanted.subject)]
        now = former.home(host.text(state.MAIL_DIRECTORY).strip(), address) + _BOXES
        target = host.path(host.real(now[1:]))
        for start in range(0, len(found), 100):
            _hand_over(found[start:start + 100], target)
        return len(found)


def encoded(folder: str) -> str:
    """Return the path of a folder on the disk: each level in modified UTF-7 (RFC 3501, 5.1.3), escaped as Dovecot does
    it."""
    levels = [_utf7(level) for level in folder.split("/")]
    return b"/".join(names.escaped(level, number == 0) for number, level in enumerate(levels)).decode("ascii")


def _below(folder: str) -> str:
    """Return restic's pattern for a folder below the mailboxes."""
    if not folder:
        return ""
    special = {"*": "\\*", "?": "\\?", "[": "\\[", "\\": "\\\\"}
    return "/" + "".join(special.get(sign, sign) for sign in encoded(folder)) + "/%maildir"


def _utf7(text: str) -> bytes:
    def piece(part: str) -> str:
        return "&{}-".format(base64.b64encode(part.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ","))

    written, waiting = "", ""
    for sign in text:
        if " " <= sign <= "~":
            written += (piece(waiting) if waiting else "") + ("&-" if sign == "&" else sign)
            waiting = ""
        else:
            waiting += sign
    return (written + (piece(waiting) if waiting else "")).encode("ascii")


def _letters(root: str, owner: int) -> Iterator[str]:
    """Yield the paths of the letters that the owner of the mail owned."""
    for folder, _, found in os.walk(root):
        for name in sorted(found) if os.path.basename(folder) in ("cur", "new") else ():
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_uid == owner:
                yield path


def _fits(path: str, subject: str) -> bool:
    if not subject:
        return True
    with open(path, "rb") as stream:
        message = email.parser.BytesHeaderParser().parsebytes(stream.read(_HEADERS))
    parts = email.header.decode_header(str(message.get("Subject", "")))
    text = "".join(part.decode(charset or "utf-8", "replace") if isinstance(part, bytes) else part
                   for part, charset in parts)
    return subject.lower() in text.lower()


def _hand_over(found: List[Tuple[str, str]], target: str) -> None:
    """Let vmail write letters, which it reads from open files."""
    opened = [(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), below) for path, below in found]
    try:
        as_user.run(_OWNER, lambda: [_written(descriptor, below, target) for descriptor, below in opened])
    finally:
        for descriptor, _ in opened:
            os.close(descriptor)


def _written(descriptor: int, below: str, target: str) -> str:
    """Write one letter, as vmail. `below`: FOLDER/%maildir/cur/NAME. Returns its path."""
    folder, _, rest = below.rpartition("/%maildir/")
    maildir = os.path.join(target, INTO, folder, "%maildir")
    for name in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(maildir, name), mode=0o700, exist_ok=True)
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        content, when = stream.read(), os.fstat(stream.fileno()).st_mtime
    path = os.path.join(maildir, rest)
    files.write(os.fsencode(path), content)
    os.utime(path, (when, when))    # Dovecot's INTERNALDATE
    return path
