"""Compare letters that have arrived with what was written: whether all is there, once, and signed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import dkim

from tests.lab import World

_FIELD = re.compile(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*")
# What servers add above all fields, and what Postfix adds below them if a program did not
# (RFC 6409, 8; RFC 5322, 3.6.6).
ABOVE = {b"received", b"dkim-signature"}
BELOW = {b"message-id", b"date", b"resent-message-id", b"resent-date"}
# What a message that is written here is sent without (Postfix's message_drop_headers).
DROPPED = {b"bcc", b"resent-bcc", b"content-length", b"return-path"}
# What Dovecot and Rspamd add to mail from outside.
SEAL = {b"arc-seal", b"arc-message-signature", b"arc-authentication-results"}
DELIVERY = ABOVE | SEAL | {b"return-path", b"delivered-to", b"authentication-results", b"x-spamd-result"}
# What Dovecot adds to mail that a script redirects; Message-ID if there is none.
REDIRECTION = DELIVERY | {b"x-sieve", b"x-sieve-redirected-from", b"message-id"}
LAST = {b"x-spamd-result", b"authentication-results"}  # Rspamd 3 puts the first below all fields, 2.7 both
# Marks that this host trusts: it removes those that strangers wrote.
MARKS = {b"authentication-results", b"x-spamd-result", b"x-spam", b"x-spam-action", b"x-spam-bar", b"x-spam-flag",
         b"x-spam-level", b"x-spam-report", b"x-spam-score", b"x-spam-status", b"received-spf"}


def ended(written: bytes) -> bytes:
    """Add the line end that SMTP gives to the last line. Returns the letter with it."""
    return written if written.endswith(b"\r\n") else written + b"\r\n"


def changes(written: bytes, arrived: bytes, *, above: set[bytes], below: set[bytes], gone: set[bytes]) -> str:
    """Compare a letter with what was written. Returns what differs, or "".

    `above` and `below` are the fields that may have been added there, `gone` those that may be missing.
    """
    fields, body = _split(ended(written))
    found, text = _split(arrived)
    if body != text:
        return f"the body: {len(body)} bytes, now {len(text)}"
    kept = [field for field in fields if name_of(field) not in gone]
    while len(found) > len(kept) and name_of(found[0]) in above and found[:len(kept)] != kept:
        del found[0]
    if found[:len(kept)] != kept:
        return next((f"the field {was[:50]!r}, now {now[:50]!r}" for was, now in zip(kept, found, strict=False)
                     if was != now), "the number of fields")
    added = {name_of(field) for field in found[len(kept):]} - below
    return f"below its fields: {sorted(added)}" if added else ""


def _split(message: bytes) -> tuple[list[bytes], bytes]:
    """Return the fields, and the body, which is empty if there is none."""
    head, _, body = (b"\r\n" + message).partition(b"\r\n\r\n")
    return _FIELD.findall(head[2:] + b"\r\n"), body


def name_of(field: bytes) -> bytes:
    """Return a field's name in lower case."""
    return field.partition(b":")[0].strip().lower()


class Judge:
    """Verify signatures with dkimpy and the lab's DNS, which is asked once for each record."""

    def __init__(self, world: World) -> None:
        self._world, self._texts = world, dict[bytes, bytes]()

    def verdicts(self, message: bytes) -> dict[str, bool]:
        """Verify each signature. Returns, by its selector, whether it is right."""
        found = {}
        for number, field in enumerate(field for field in _split(message)[0] if name_of(field) == b"dkim-signature"):
            selector = re.search(rb"[;\s]s=([^;\s]+)", field)
            found[selector[1].decode("ascii") if selector else ""] = self._is_right(message, number)
        return found

    def is_sealed(self, message: bytes) -> bool:
        """Verify the ARC seals (RFC 8617). Returns whether there are some, and all are right."""
        try:
            return bool(dkim.arc_verify(message, dnsfunc=self._text)[0] == dkim.CV_Pass)
        except dkim.DKIMException:
            return False

    def _is_right(self, message: bytes, number: int) -> bool:
        try:
            return bool(dkim.DKIM(message).verify(idx=number, dnsfunc=self._text))
        except dkim.DKIMException:
            return False

    def _text(self, name: bytes, timeout: int = 5) -> bytes:
        if name not in self._texts:
            answers = self._world.dns.query(name.decode("ascii"), "TXT")
            self._texts[name] = b"".join(part.encode() for part in answers[0].split('"')[1::2]) if answers else b""
        return self._texts[name]


class Tally:
    """Count the letters of one way: tried, changed, unsigned, doubled, lost. All but the first must be 0."""

    def __init__(self, way: str) -> None:
        self.way, self.tried, self.refused, self.obsolete = way, 0, 0, 0
        self.faults: dict[str, list[str]] = {kind: [] for kind in ("changed", "unsigned", "doubled", "lost")}

    def arrived(self, name: str, copies: list[bytes]) -> bool:
        """Count a letter that should have arrived once. Returns whether it has arrived."""
        self.tried += 1
        if len(copies) != 1:
            self.faults["doubled" if copies else "lost"].append(name)
        return bool(copies)

    def changed(self, name: str, what: str) -> None:
        """Count a letter for which changes() says something."""
        if what:
            self.faults["changed"].append(f"{name} ({what})")

    def signed(self, name: str, verdicts: dict[str, bool], wanted: Iterable[str]) -> None:
        """Count a letter if a signature of these selectors is missing or wrong."""
        if not all(verdicts.get(selector) for selector in wanted):
            self.faults["unsigned"].append(f"{name} ({verdicts})")

    def __str__(self) -> str:
        counted = ", ".join(f"{len(names)} {kind}" for kind, names in self.faults.items())
        return f"{self.way}: {self.tried} tried, {counted}; {self.refused} refused, {self.obsolete} corrected"
