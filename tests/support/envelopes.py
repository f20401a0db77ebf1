"""The ENVELOPE that an IMAP server makes of a message (RFC 9051, 7.5.2): what mail programs show without reading it."""

from __future__ import annotations

import imaplib
import re
from typing import Any, NamedTuple

_TOKEN = re.compile(rb'\s*(?:(\()|(\))|"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r\n|([^\s()"{]+))', re.DOTALL)


class Seen(NamedTuple):
    """What a mail program gets of a message."""

    authors: list[str]  # the addresses of ENVELOPE's From
    senders: list[str]  # those of Sender: From's, if it is not there
    head: bytes


def seen(connection: imaplib.IMAP4, folder: str) -> dict[str, Seen]:
    """Fetch all messages of a folder. Returns what is seen of them, by subject."""
    found = {}
    count = int(connection.select(folder, readonly=True)[1][0] or b"0")
    for number in range(1, count + 1):
        answer: list[Any] = connection.fetch(str(number), "(ENVELOPE BODY.PEEK[HEADER])")[1]
        pieces = [piece for part in answer for piece in (part if isinstance(part, tuple) else (part,))]
        items = _read(b"".join(piece + (b"\r\n" if re.search(rb"\{\d+\}$", piece) else b"") for piece in pieces))[1]
        envelope, head = items[1], items[3]
        found[envelope[1].decode("utf-8", "replace")] = Seen(_addresses(envelope[2]), _addresses(envelope[3]), head)
    return found


def _addresses(listed: list[list[bytes]] | None) -> list[str]:
    return [b"@".join(part or b"" for part in address[2:4]).decode("utf-8", "replace") for address in listed or []]


def _read(text: bytes) -> list[Any]:
    """Read lists of strings."""
    at = 0
    open_lists: list[list[Any]] = [[]]
    while found := _TOKEN.match(text, at):
        at = found.end()
        opening, closing, quoted, size, atom = found.groups()
        if opening:
            open_lists.append([])
        elif closing:
            done = open_lists.pop()
            open_lists[-1].append(done)
        elif size:
            open_lists[-1].append(text[at:at + int(size)])
            at += int(size)
        elif quoted is not None:
            open_lists[-1].append(re.sub(rb"\\(.)", rb"\1", quoted))
        else:
            open_lists[-1].append(None if atom == b"NIL" else atom)
    return open_lists[0]
