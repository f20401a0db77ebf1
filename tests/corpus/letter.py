"""A letter of the corpus, and the functions that letters are made with."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, NamedTuple

AUTHOR, READER = b"$AUTHOR", b"$READER"  # written() puts the addresses of the two there
TEXT = "text/plain; charset=us-ascii"
UTF8 = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
GOOD_DAY = b"Good day,\r\n\r\nhere is what you asked for.\r\n"

Field = tuple[str, str | bytes]


class Letter(NamedTuple):
    """An odd letter: what is odd about it, its bytes as SMTP carries them, its readers, and what servers do with it."""

    name: str
    odd: str
    head: bytes  # each field with its CRLF, without the empty line that ends them
    body: bytes | None  # None: the empty line is missing, too
    recipients: int = 1
    refused: str = ""  # words of the answer that its author gets instead of 250
    cut: bool = False  # refused from strangers, too: Postfix would cut it
    obsolete: bool = False  # has what RFC 5322 does not allow any more: Postfix corrects it before it is signed

    def written(self, author: str, reader: str) -> bytes:
        """Write the letter as `author` sends it to `reader`."""
        body = b"" if self.body is None else b"\r\n" + self.body
        return (self.head + body).replace(AUTHOR, author.encode()).replace(READER, reader.encode())


def compose(
    name: str,
    odd: str,
    body: bytes | None = GOOD_DAY,
    *,
    fields: Iterable[Field] = (),
    kind: str = TEXT,
    encoding: str = "",
    without: Iterable[str] = (),
    **fate: Any,
) -> Letter:
    """Make a letter with the usual fields, except those that `without` and `fields` name; `fields` follow them."""
    fields = list(fields)
    replaced = {field.lower() for field, _ in fields} | {field.lower() for field in without}
    usual: list[Field] = [
        ("From", b"A Writer <" + AUTHOR + b">"),
        ("To", b"<" + READER + b">"),
        ("Subject", f"Letter {name}"),
        ("Date", "Thu, 26 Nov 2026 12:46:47 +0000"),
        ("Message-ID", f"<{name}.corpus@letters.example>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", kind),
    ]
    if encoding:
        usual.append(("Content-Transfer-Encoding", encoding))
    lines = [*(field for field in usual if field[0].lower() not in replaced), *fields]
    return Letter(name, odd, b"".join(field(*line) for line in lines), body, **fate)


def field(name: str, value: str | bytes) -> bytes:
    """Write a header field."""
    return name.encode() + b": " + (value.encode() if isinstance(value, str) else value) + b"\r\n"


def words(length: int) -> bytes:
    """Write a line of exactly that many bytes, with blanks at which it may be cut."""
    return (b"the quick brown fox jumps over the lazy dog " * (length // 44 + 1))[: length - 1] + b"."


def noise(length: int, seed: int = 0) -> bytes:
    """Make random bytes, which are the same at each call."""
    return random.Random(seed).randbytes(length)


def raw(length: int, seed: int = 0) -> bytes:
    """Make noise that SMTP carries in one line, without form feeds, which we refuse to sign."""
    return noise(length, seed).translate(None, b"\0\r\n\f")


def lines(*texts: bytes) -> bytes:
    """Write each text in a line of its own."""
    return b"".join(text + b"\r\n" for text in texts)
