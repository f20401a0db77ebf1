"""Thunderbird's reading of an address header, written down from its source: mailnews/mime/jsmime/jsmime.mjs in
comm-central, the functions getHeaderTokens, decodeRFC2047Words and parseAddressingHeader (2025)."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from typing import NamedTuple

_SPECIAL = ":,;<>@"
_WORDS = re.compile(r"([ \t\r\n]*=\?[^?]*\?[BbQq]\?[^?]*\?=)+")
_WORD = re.compile(r"(=\?[^?]*\?[BQbq]\?[^?]*\?=)")


class _Text(str):
    """A token that is not a special character, whatever is in it."""


class Mailbox(NamedTuple):
    name: str
    address: str


def _decode_word(word: str) -> str | None:
    charset, kind, text = word[2:-2].split("?")
    try:
        raw = (quopri.decodestring(text.replace("_", " ").encode()) if kind in "Qq"
               else base64.b64decode(text + "=" * (-len(text) % 4)))
        return raw.decode(charset.partition("*")[0], "replace")
    except (LookupError, binascii.Error, ValueError):
        return None


def decode_words(text: str) -> str:
    """Decode what it decodes of RFC 2047; blanks between encoded words are not shown."""
    parts = []
    for part in _WORD.split(text):
        if _WORD.fullmatch(part) and (shown := _decode_word(part)) is not None:
            parts.append(shown)
        elif part.strip(" \t\r\n"):
            parts.append(part)
    return "".join(parts)


def _unescaped(text: str) -> _Text:
    return _Text(re.sub(r"\\(.?)", r"\1", text))


class _Tokens:
    """The tokens of a header: special characters as str, all else as _Text."""

    def __init__(self, value: str) -> None:
        self.value, self.start, self.closing, self.depth = value, -1, "", 0
        self.found: list[str] = []
        at = 0
        while at < len(value):
            at = self._take(at)
        if self.start >= 0:
            self.found.append(_unescaped(value[self.start + (self.closing == '"'):]))

    def _take(self, at: int) -> int:
        """Take the character at this place. Returns the next place."""
        sign = self.value[at]
        if sign == "\\":
            return at + 2
        if self.closing:
            if sign == self.closing:
                self._close(at)
            return at + 1
        # The pattern is not bound to this place: what it finds later has the length that is skipped here.
        if self.value.startswith("=?", at) and (words := _WORDS.search(self.value[at:])):
            self._flush(at)
            after = at + len(words.group())
            self.found.append(_Text(decode_words(self.value[at:after])))
            return after
        self._character(sign, at)
        return at + 1

    def _close(self, at: int) -> None:
        text = self.value[self.start + 1:at]
        self.found.append(_unescaped(decode_words(text) if self.closing == '"' else f"[{text}]"))
        self.closing, self.start = "", -1

    def _flush(self, at: int) -> None:
        if self.start >= 0:
            self.found.append(_unescaped(self.value[self.start:at]))
        self.start = -1

    def _character(self, sign: str, at: int) -> None:
        outermost = (sign == "(" and self.depth == 0) or (sign == ")" and self.depth <= 1)
        if sign in "()":
            self.depth = max(0, self.depth + (1 if sign == "(" else -1))
        special = outermost or (self.depth == 0 and sign in _SPECIAL)
        if special or sign in ' \t\r\n"[':
            self._flush(at)
        if special:
            self.found.append(sign)
        elif sign not in " \t\r\n":
            if sign in '"[':
                self.closing = '"' if sign == '"' else "]"
            self.start = at if self.start < 0 else self.start


class _Parser:
    """The mailboxes of a header, also those in groups."""

    def __init__(self, value: str) -> None:
        self.mailboxes: list[Mailbox] = []
        self.kept = False
        self._forget()
        for token in _Tokens(value).found:
            if isinstance(token, _Text):
                self._text(token)
            elif token not in "()" or not self._comment(token):
                self._special(token)
                self.space = False
        self._add()

    def _forget(self) -> None:
        self.name = self.local = self.address = self.comment = self.last = ""
        self.angle = self.in_comment = self.space = self.closed = False

    def _add(self) -> None:
        name = self.name or self.last.strip()[1:-1]
        if name or self.address:
            self.mailboxes.append(Mailbox(name, self.address))
        self._forget()

    def _comment(self, token: str) -> bool:
        """Begin or end a comment. Returns whether that is all."""
        if token == "(":
            self.in_comment, self.kept = True, self.space
            self.comment, self.closed = " (" if self.space or self.name.strip() else "(", False
            return False
        self.in_comment, self.last, self.closed = False, self.comment + ")", True
        if self.angle:
            self.space = self.kept
        else:
            self.name, self.space = self.name + self.last, True
        return True

    def _special(self, token: str) -> None:
        if token == ":":
            self.name = self.local = ""
        elif token == "<":
            if self.angle:
                self.name, self.local, self.address = self.address or self.name, "", ""
            self.angle = True
        elif token == ">":
            self.angle, self.last = False, ""
        elif token == "@":
            self._at()
        elif token in ",;":
            self._add()

    def _at(self) -> None:
        if not self.angle:
            self.address, self.name, self.local, self.angle = self.local, "", "", True
        if re.search(r'[ !()<>\[\]:;@\\,"]', self.address):
            self.address = '"' + re.sub(r'([\\"])', r"\\\1", self.address) + '"'
        self.address += "@"

    def _text(self, token: str) -> None:
        spaced = (" " if self.space and not token.startswith(".") else "") + token
        if self.in_comment:
            self.comment += spaced
        elif self.angle:
            self.address += spaced
        else:
            self.name += spaced
            self.local += token if self.closed else spaced
            self.closed = False
        self.space = not token.startswith(".")


def read(value: bytes) -> list[Mailbox]:
    """Read a From header. Returns the mailboxes that Thunderbird shows."""
    return _Parser(value.decode("utf-8", "replace")).mailboxes
