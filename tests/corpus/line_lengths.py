"""Lines: very long, empty, and with dots and blanks that have a meaning for programs."""

from __future__ import annotations

from collections.abc import Iterator

from .letter import GOOD_DAY, HTML, UTF8, Letter, compose, lines, words

# 76 and 998: RFC 5322, 2.1.1; 2048: Postfix's line_length_limit; 4096: a page; 16384: Exim's buffer for DKIM.
BLANKS = "body of blanks"
LENGTHS = (
    1,
    76,
    78,
    79,
    990,
    997,
    998,
    999,
    1000,
    1001,
    1024,
    2047,
    2048,
    2049,
    4095,
    4096,
    4097,
    5000,
    16383,
    16384,
    70000,
)
DOTS = (
    (b".", "one dot"),
    (b"..", "two dots"),
    (b"...", "three dots"),
    (b". ", "a dot and a blank"),
    (b".hidden", "a dot before a word"),
    (b".\t.", "dots around a tab"),
    (b"." * 998, "nothing but dots"),
)


def letters() -> Iterator[Letter]:
    """Make the letters whose lines are odd."""
    yield from _long()
    yield from _dots()
    yield from _ends()
    yield from _blanks()
    yield from _words()


def _long() -> Iterator[Letter]:
    for length in LENGTHS:
        yield compose(f"line-{length}", f"a line of {length} bytes", lines(b"Good day,", words(length), b"bye"))
    for length in (998, 999, 2049, 5000, 70000):
        yield compose(
            f"solid-{length}",
            f"{length} bytes without a blank",
            lines(b"https://shop.example/?" + b"a1b2" * (length // 4) + b"z" * (length % 4)),
        )
        yield compose(
            f"html-{length}",
            f"HTML in one line of about {length} bytes",
            lines(b"<html><body>" + b'<a href="https://shop.example/o/1">x</a>' * (length // 40) + b"</body></html>"),
            kind=HTML,
        )
        yield compose(
            f"umlauts-{length}",
            f"{length} bytes of UTF-8 in one line, cut anywhere between two bytes",
            lines(b"x" + "ü".encode() * (length // 2)),
            kind=UTF8,
            encoding="8bit",
        )
    yield compose("line-many", "forty lines of 1,500 bytes", lines(*[words(1500)] * 40))
    yield compose("line-blanks", "a line of 3,000 blanks", lines(b"x", b" " * 3000, b"y"))
    yield compose("line-tabs", "a line of 1,200 tabs", lines(b"x", b"\t" * 1200, b"y"))
    yield compose("line-only-tabs", "nothing but a line of 1,200 tabs", lines(b"\t" * 1200), refused=BLANKS)
    yield compose("line-last", "a last line of 3,000 bytes that does not end", words(3000))


def _dots() -> Iterator[Letter]:
    for number, (dots, odd) in enumerate(DOTS):
        yield compose(f"dots-{number}", f"{odd} in a line of its own", lines(b"before", dots, b"after"))
        yield compose(f"dots-first-{number}", f"{odd} as the first line", lines(dots, b"after"))
        yield compose(f"dots-last-{number}", f"{odd} as the last line", lines(b"before", dots))
    for length in (998, 1000, 2048, 4096):
        yield compose(
            f"dot-at-{length}",
            f"a dot after {length} bytes, where a line may be cut",
            lines(b"x" * length + b".", b"y" * length + b"..z"),
        )


def _ends() -> Iterator[Letter]:
    yield compose("body-none", "no empty line after the fields, no body", None)
    yield compose("body-empty", "an empty body", b"")
    yield compose("body-crlf", "a body of one line end", b"\r\n")
    yield compose("body-blank", "a body of one blank", b" \r\n", refused=BLANKS)
    yield compose("end-missing", "a last line that does not end", b"Good day,\r\nbye")
    for count in (1, 2, 10, 1000):
        yield compose(f"end-empty-{count}", f"{count} empty lines at the end", GOOD_DAY + b"\r\n" * count)
        yield compose(f"start-empty-{count}", f"{count} empty lines at the start", b"\r\n" * count + GOOD_DAY)
        yield compose(f"only-empty-{count}", f"nothing but {count} empty lines", b"\r\n" * count)
    yield compose("end-blank-lines", "lines of blanks at the end", GOOD_DAY + b" \r\n\t\r\n  \r\n")


def _blanks() -> Iterator[Letter]:
    yield compose("blanks-trailing", "blanks at the ends of lines", lines(b"one ", b"two  ", b"three\t", b"four \t "))
    yield compose("blanks-leading", "blanks at the starts of lines", lines(b" one", b"  two", b"\tthree"))
    yield compose(
        "blanks-runs", "runs of blanks and tabs, which relaxed canonicalization makes one", lines(b"a  b   c\t\td \t e")
    )
    yield compose(
        "flowed",
        "format=flowed: blanks at the ends have a meaning",
        lines(b"This is one ", b"paragraph.", b"", b" >quoted by a blank", b"-- ", b"A Writer"),
        kind="text/plain; charset=us-ascii; format=flowed; delsp=yes",
    )
    yield compose("signature", "the two dashes and a blank above a signature", lines(b"bye", b"-- ", b"A Writer"))


def _words() -> Iterator[Letter]:
    yield compose("mbox-from", "a line that begins with 'From '", lines(b"x", b"", b"From here on", b">From there"))
    yield compose(
        "mbox-from-line",
        "an mbox's separator in the body",
        lines(b"x", b"", b"From a@b.example Thu Nov 26 12:46:47 2026", b"Subject: not a letter", b"", b"y"),
    )
    yield compose(
        "smtp-words", "SMTP's words in lines of their own", lines(b"QUIT", b"RSET", b"DATA", b"MAIL FROM:<a@b.example>")
    )
    yield compose(
        "field-like", "a body that begins with what looks like a field", lines(b"Subject: second", b"X: y", b"", b"z")
    )
    yield compose("continuation-like", "a body that begins with blanks", lines(b" continued?", b"\tor this"))
    yield compose(
        "controls", "the control characters that mail may have", lines(bytes(set(range(1, 32)) - {10, 12, 13}), b"\x7f")
    )
    yield compose("vertical-tab", "vertical tabs", lines(b"one\x0btwo", b"\x0b three \x0b"))
    yield compose("form-feed", "a form feed", lines(b"page one", b"\x0cpage two"), refused="form feed")
    yield compose("form-feed-field", "a form feed in a field", fields=[("Subject", b"a\x0cb")], refused="form feed")
