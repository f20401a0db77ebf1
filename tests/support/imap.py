"""Read all messages of a folder over IMAP, and look at answers."""

from __future__ import annotations

import imaplib
from typing import Any


def fetch(connection: imaplib.IMAP4, folder: str, part: str) -> list[bytes]:
    """Fetch a part of every message in a folder, without a change to its flags."""
    connection.select(folder, readonly=True)
    numbers = connection.search(None, "ALL")[1][0].split()
    parts: list[Any] = connection.fetch(b",".join(numbers).decode(), part)[1] if numbers else []
    return [part[1] for part in parts if isinstance(part, tuple)]


def done(answer: tuple[str, list[Any]]) -> None:
    """The server must have done what it was told."""
    assert answer[0] == "OK", answer
