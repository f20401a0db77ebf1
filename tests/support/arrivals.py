"""What became of letters on their way: whether all that was written is there, once, and signed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import dkim

from tests.lab import World

FIELD = re.compile(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*")
# What servers add above, and Postfix below where a program wrote none (RFC 6409, 8; RFC 5322, 3.6.6).
ABOVE = {b"received", b"dkim-signature"}
BELOW = {b"message-id", b"date", b"resent-message-id", b"resent-date"}
# What a message that is written here is sent without (Postfix's message_drop_headers).
DROPPED = {b"bcc", b"resent-bcc", b"content-length", b"return-path"}
# What Dovecot and Rspamd add to mail from outside.
DELIVERY = ABOVE | {b"return-path", b"delivered-to", b"authentication-results", b"x-spamd-result"}
LAST = {b"x-spamd-result", b"authentication-results"}  # Rspamd 3 puts the first below all fields, 2.7 both
# Marks that are believed here, and taken away when strangers wrote them.
MARKS = {b"authentication-results", b"x-spamd-result", b"x-spam"}


def ended(written: bytes) -> bytes:
    """The letter with the line end that SMTP gives to its last line."""
    return written if written.endswith(b"\r\n") else written + b"\r\n"


def changes(written: bytes, arrived: bytes, *, above: set[bytes], below: set[bytes], gone: set[bytes]) -> str:
    """What is not as it was written; nothing when all is. `above` and `below` are the fields that may have been added
    there, `gone` those that may be missing."""
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
    """The fields, and the body: empty, too, where there is none."""
    head, _, body = (b"\r\n" + message).partition(b"\r\n\r\n")
    return FIELD.findall(head[2:] + b"\r\n"), body


def name_of(field: bytes) -> bytes:
    """A field's name in lower case."""
    return field.partition(b":")[0].strip().lower()


class Judge:
    """Verifies signatures by dkimpy and the lab's DNS, each of whose records is asked for once."""

    def __init__(self, world: World) -> None:
        self._world, self._texts = world, dict[bytes, bytes]()

    def verdicts(self, message: bytes) -> dict[str, bool]:
        """Each signature's selector, and whether that one is right."""
        found = {}
        for number, field in enumerate(field for field in _split(message)[0] if name_of(field) == b"dkim-signature"):
            selector = re.search(rb"[;\s]s=([^;\s]+)", field)
            found[selector[1].decode("ascii") if selector else ""] = self._is_right(message, number)
        return found

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
    """What is counted of one way: letters tried, changed, unsigned, doubled, lost. All but the first are to be 0."""

    def __init__(self, way: str) -> None:
        self.way, self.tried, self.refused, self.obsolete = way, 0, 0, 0
        self.faults: dict[str, list[str]] = {kind: [] for kind in ("changed", "unsigned", "doubled", "lost")}

    def arrived(self, name: str, copies: list[bytes]) -> bool:
        """Count a letter, and whether it has come, and once."""
        self.tried += 1
        if len(copies) != 1:
            self.faults["doubled" if copies else "lost"].append(name)
        return bool(copies)

    def changed(self, name: str, what: str) -> None:
        """Count what changes() says."""
        if what:
            self.faults["changed"].append(f"{name} ({what})")

    def signed(self, name: str, verdicts: dict[str, bool], wanted: Iterable[str]) -> None:
        """Count a letter that does not have all the signatures wanted, and right."""
        if not all(verdicts.get(selector) for selector in wanted):
            self.faults["unsigned"].append(f"{name} ({verdicts})")

    def __str__(self) -> str:
        counted = ", ".join(f"{len(names)} {kind}" for kind, names in self.faults.items())
        return f"{self.way}: {self.tried} tried, {counted}; {self.refused} refused, {self.obsolete} set right"
