"""Folders over IMAP: names of every kind, and all that a mailbox holds."""

from __future__ import annotations

import base64
import imaplib
import re
from typing import Any, NamedTuple

from tests.support.imap import done

# Names that somebody's mail program makes.
NAMES = [
    "Dr. Jones", "Dr. Jones/2024", "Some Stuff...", "Projekte/2024", ".hidden", "~tilde", "a.b.c", "INBOX.x",
    "INBOX/child", "cur", "new", "tmp", "cur/new/tmp", "dbox-Mails", "mailboxes/x", "subscriptions", "dovecot.index",
    "dovecot-uidlist", "maildirfolder", "%maildir", "x/%maildir", "100%", "%2e", "..", ".", "x/..", "../x",
    "x/../../y", "star*x", 'quo"te', "back\\slash", "a&b", "&-", "a^b", "a|b", " lead", "trail ", " ", "emoji😀",
    "日本語/フォルダ", "café", "Ελλάδα", "日" * 85, "X" * 255, "/".join(f"level {number}" for number in range(20)),
    "/".join("deep" * 50 for _ in range(8)), "Trash/x", "#shared", "~user/x", "x/~y", "[Gmail]/All Mail", "NIL", "-x",
    "(x)", "{3}", "$HOME", "`id`", "<x>", "x'y", "a:b;c", "lost+found"]  # fmt: skip

# Names that IMAP does not have, and how Dovecot refuses them.
REFUSED = {
    "inbox": "already exists", "/absolute": "Begins with hierarchy separator",
    "a//b": "Has adjacent hierarchy separators", "Y" * 256: "too long", "tab\tx": "not valid mUTF-7"}  # fmt: skip

Folder = NamedTuple("Folder", [("status", bytes), ("messages", "dict[int, tuple[frozenset[bytes], bytes]]")])


class Seen(NamedTuple):
    """All that a mail program can see of a mailbox."""

    folders: dict[str, Folder]
    subscribed: set[str]


def encoded(name: str) -> str:
    """Encode a name in modified UTF-7 (RFC 3501, 5.1.3)."""
    def word(found: re.Match[str]) -> str:
        return "&" + base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
    return re.sub(r"[^\x00-\x7f]+", word, name.replace("&", "&-"))


def quoted(name: str) -> str:
    """Write a name as an argument of an IMAP command."""
    return '"{}"'.format(encoded(name).replace("\\", "\\\\").replace('"', '\\"'))


def listed(connection: imaplib.IMAP4, command: str = "LIST") -> list[str]:
    """Return all folders that can be selected (or are subscribed to), with slashes between the levels, encoded."""
    connection.untagged_responses.clear()   # type: ignore[attr-defined]
    answer = connection.list() if command == "LIST" else connection.lsub()
    done(answer)
    found, parts = [], iter(answer[1])
    for part in parts:
        if part is None:
            continue
        line = part[0] if isinstance(part, tuple) else part
        match = re.match(rb'\(([^)]*)\) "(.)" (.*)$', line, re.DOTALL)
        assert match, line
        name = match[3]
        if isinstance(part, tuple):
            name = part[1]
            next(parts)
        elif name.startswith(b'"'):
            name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
        if rb"\noselect" not in match[1].lower():
            found.append(name.decode().replace(match[2].decode(), "/"))
    return found


def seen(connection: imaplib.IMAP4) -> Seen:
    """Read everything: UIDVALIDITY, UIDNEXT, and flags and bytes of each message by its UID."""
    mark = re.search(rb'"(.)"', connection.list()[1][0])
    assert mark
    folders = {}
    for name in listed(connection):
        argument = '"{}"'.format(name.replace("/", mark[1].decode()).replace("\\", "\\\\").replace('"', '\\"'))
        status: Any = connection.status(argument, "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)")[1][0]
        status = status[1] if isinstance(status, tuple) else status
        done(connection.select(argument, readonly=True))
        folders[name] = Folder(status[status.rindex(b"("):], _messages(connection))
    return Seen(folders, set(listed(connection, "LSUB")))


def _messages(connection: imaplib.IMAP4) -> dict[int, tuple[frozenset[bytes], bytes]]:
    found = {}
    parts: Any = connection.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]
    for part in parts:
        if isinstance(part, tuple):
            uid = re.search(rb"UID (\d+)", part[0])
            assert uid, part[0]
            found[int(uid[1])] = frozenset(imaplib.ParseFlags(part[0])) - {rb"\Recent"}, part[1]
    return found
