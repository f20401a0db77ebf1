"""Go's reading of an address header, written down from its source: src/net/mail/message.go, ParseAddressList."""

from __future__ import annotations

import re

_ATEXT = r"[^\x00-\x20\x7f()\[\];@\\,<>\":.]"
_DOT_ATOM = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*(?![.])")
_PERMISSIVE = re.compile(r"[^\x00-\x20\x7f<>\":]+")
_QUOTED = re.compile(r'"((?:[^\x00-\x08\x0a-\x1f\x7f"\\]|\\[\t\x20-\x7e\x80-\U0010ffff])*)"')


class _Refused(Exception):
    """Go returns an error: its programs show no address."""


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text

    def blanks(self) -> None:
        self.text = self.text.lstrip(" \t")

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text)
        if not found:
            raise _Refused
        self.text = self.text[found.end():]
        return found.group(found.lastindex or 0)

    def is_next(self, sign: str) -> bool:
        if not self.text.startswith(sign):
            return False
        self.text = self.text[len(sign):]
        return True

    def comments(self) -> None:
        self.blanks()
        while self.is_next("("):
            depth = 1
            while depth:
                if not self.text:
                    raise _Refused
                if self.text[0] == "\\" and len(self.text) > 1:
                    self.text = self.text[1:]
                elif self.text[0] in "()":
                    depth += 1 if self.text[0] == "(" else -1
                self.text = self.text[1:]
            self.blanks()

    def addresses(self) -> list[str]:
        found = []
        while True:
            self.blanks()
            found += self.address(group=True)
            self.comments()
            if not self.text:
                return found
            if not self.is_next(","):
                raise _Refused

    def address(self, *, group: bool) -> list[str]:
        self.blanks()
        if not self.text:
            raise _Refused
        try:
            address = self.spec()
        except _Refused:
            return self.named(group=group)
        self.blanks()
        if self.text.startswith("("):
            self.comments()
        # Since Go 1.15: an address before angle brackets is a name.
        return self.named(group=group) if self.text.startswith("<") else [address]

    def named(self, *, group: bool) -> list[str]:
        if not self.text.startswith("<"):
            self.phrase()
        self.blanks()
        if group and self.is_next(":"):
            return self.members()
        if not self.is_next("<"):
            raise _Refused
        address = self.spec()
        if not self.is_next(">"):
            raise _Refused
        return [address]

    def members(self) -> list[str]:
        found: list[str] = []
        self.blanks()
        while not self.is_next(";"):
            found += self.address(group=False)
            self.comments()
            if not self.text.startswith(";") and not self.is_next(","):
                raise _Refused
        self.comments()
        return found

    def phrase(self) -> None:
        """Read the words of a name: one at least."""
        words = 0
        while True:
            self.blanks()
            try:
                self.take(_QUOTED if self.text.startswith('"') else _PERMISSIVE)
            except _Refused:
                if not words:
                    raise
                return
            words += 1

    def spec(self) -> str:
        before = self.text
        try:
            self.blanks()
            quoted = self.text.startswith('"')
            user = re.sub(r"\\(.)", r"\1", self.take(_QUOTED)) if quoted else self.take(_DOT_ATOM)
            if not user or not self.is_next("@"):
                raise _Refused
            self.blanks()
            return f"{user}@{self.take(_DOT_ATOM)}"
        except _Refused:
            self.text = before
            raise


def read(value: bytes) -> list[str]:
    """Read a From header. Returns the addresses that Go's programs show; none if it is an error."""
    try:
        # Header.Get gives a value without its line ends (net/textproto).
        text = " ".join(line.strip(" \t\r") for line in value.decode("utf-8").split("\n"))
        return _Parser(text.strip(" ")).addresses()
    except (_Refused, UnicodeDecodeError):
        return []
