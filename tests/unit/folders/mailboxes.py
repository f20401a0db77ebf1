"""Mailboxes on the disk, as Dovecot 2.3 leaves them, and what can be seen of them."""

from __future__ import annotations

import os
from pathlib import Path

SCRIPT = 'require ["fileinto"];\nfileinto "Lists.Debian";\n'

# Folders in Maildir++, and their place in the tree.
FOLDERS = {
    ".Work": "Work",
    ".Work.2024.Q1": "Work/2024/Q1",
    ".Dr. Jones": "Dr/ Jones",
    ".100%": "100%25",
    ".Entw&APw-rfe": "Entw&APw-rfe",
    ".cur.new": "cur/new",
    ".INBOX.child": "INBOX/child",
    ".a.~x": "a/%7ex",
    "." + "L" * 250: "L" * 250,
}
FLAT_LIST = b"V\t2\n\nWork\nDr\t Jones\n100%\n"
TREE_LIST = b"V\t2\n\nWork\nDr\t Jones\n100%25\n"
OF_INBOX = ("dovecot-uidlist", "dovecot-keywords", "dovecot.index", "dovecot.index.cache", "dovecot.index.log")
OF_ALL = ("dovecot-uidvalidity", "dovecot-uidvalidity.6b087ddd", "dovecot.mailbox.log")


def put(path: Path, content: bytes | str = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def folder(path: Path, name: str) -> None:
    """Make the Maildir of a folder, whose files say to which one they belong."""
    for place in ("cur", "new", "tmp"):
        (path / place).mkdir(parents=True)
    put(path / "cur/1.M1P2.host,S=100,W=102:2,FSa", f"a message in {name}")
    put(path / "new/2.M1P3.host", f"a new message in {name}")
    for file in OF_INBOX:
        put(path / file, f"{file} of {name}")
    put(path / "fts-flatcurve/index.1/iamglass", f"words of {name}")


def flat(home: Path) -> Path:
    """Make a mailbox of 0.3.0. Returns its home."""
    mail = home / "mail"
    folder(mail, "INBOX")
    for name, place in FOLDERS.items():
        folder(mail / name, place)
        put(mail / name / "maildirfolder")
    for file in OF_ALL:
        put(mail / file, file)
    for file in ("dovecot.list.index", "dovecot.list.index.log"):
        put(mail / file, "names with dots")
    put(mail / "subscriptions", FLAT_LIST)
    put(home / "sieve/mine.sieve", SCRIPT)
    put(home / "sieve/mine.svbin", "compiled")
    (home / ".dovecot.sieve").symlink_to("sieve/mine.sieve")
    return home


def tree(home: Path) -> Path:
    """Make the same mailbox in the layout of today. Returns its home."""
    mail = home / "mail"
    folder(mail / "mailboxes/INBOX/%maildir", "INBOX")
    for place in FOLDERS.values():
        folder(mail / "mailboxes" / place / "%maildir", place)
        put(mail / "mailboxes" / place / "%maildir/maildirfolder")
    for file in OF_ALL:
        put(mail / file, file)
    put(mail / "subscriptions", TREE_LIST)
    put(home / "sieve/mine.sieve", SCRIPT.replace(".Debian", "/Debian"))
    (home / ".dovecot.sieve").symlink_to("sieve/mine.sieve")
    return home


def seen(home: Path) -> dict[str, bytes]:
    """Return the content of every file, b"/" for an empty directory, the target of every link."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if path.is_symlink():
            found[name] = os.fsencode(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[name] = b"/"
    return found
