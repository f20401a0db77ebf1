"""Addresses: long, many, quoted, and in forms that few programs write."""

from __future__ import annotations

from collections.abc import Iterator

from .letter import AUTHOR, READER, Letter, compose

LONG = "a" * 64 + "@" + ".".join(["b" * 63, "c" * 63, "d" * 63, "e" * 53]) + ".example"
READERS = (
    ("long", LONG),
    ("quoted", '"two words"@elsewhere.example'),
    ("group", "Friends: a@elsewhere.example, b@elsewhere.example;"),
    ("undisclosed", "undisclosed-recipients:;"),
    ("comment", "(a (nested) comment) a@elsewhere.example (more)"),
    ("route", "<@relay.example:a@elsewhere.example>"),
    ("literal", "a@[192.0.2.1]"),
    ("bare", "somebody"),
    ("empty", ""),
    ("brackets", "<>"),
    ("idn", "a@xn--bcher-kva.example"),
    ("utf8", "jörg@bücher.example"),
    ("name-utf8", "Jörg <a@elsewhere.example>"),
    ("semicolons", "a@elsewhere.example; b@elsewhere.example"),
    ("commas", "a@elsewhere.example,,b@elsewhere.example,"),
    ("name-comma", '"Doe, Jane" <a@elsewhere.example>'),
    ("name-open", '"Doe <a@elsewhere.example>'),
    ("percent", "a%elsewhere.example@relay.example"),
    ("bang", "relay!elsewhere!a"),
    ("encoded", "=?utf-8?Q?J=C3=B6rg?= <a@elsewhere.example>"),
)
AUTHORS = (
    ("bare", AUTHOR),
    ("brackets", b"<" + AUTHOR + b">"),
    ("comment", AUTHOR + b" (A Writer)"),
    ("quoted-name", b'"Writer, A. \\"B\\"" <' + AUTHOR + b">"),
    ("encoded", b"=?utf-8?Q?J=C3=B6rg?= <" + AUTHOR + b">"),
    ("encoded-folded", b"=?utf-8?B?SsO2cmc=?=\r\n =?utf-8?B?SsO2cmc=?= <" + AUTHOR + b">"),
    ("raw", "Jörg <".encode() + AUTHOR + b">"),
    ("dots", b"A. B. Writer <" + AUTHOR + b">"),
    ("long-name", b'"' + b"name " * 60 + b'" <' + AUTHOR + b">"),
    ("no-blank", b"Writer<" + AUTHOR + b">"),
)


def letters() -> Iterator[Letter]:
    """Make the letters whose addresses are odd."""
    for name, value in READERS:
        yield compose(f"cc-{name}", f"an address in Cc: {name}", fields=[("Cc", value)])
    for name, written in AUTHORS:
        yield compose(f"from-{name}", f"an author's address written otherwise: {name}", fields=[("From", written)])
    for count in (10, 50, 200, 1000):
        many = [f"Reader {number} <reader{number}@elsewhere.example>" for number in range(count)]
        yield compose(f"cc-{count}", f"{count} addresses in Cc, folded", fields=[("Cc", ",\r\n ".join(many))])
        yield compose(f"cc-{count}-unfolded", f"{count} addresses in Cc, in one line", fields=[("Cc", ", ".join(many))])
    for count in (2, 50, 200):
        yield compose(f"recipients-{count}", f"{count} recipients at once", recipients=count)
    yield compose("sender", "a Sender beside the author", fields=[("Sender", AUTHOR)])
    yield compose("to-twice-named", "the reader named twice", fields=[("To", READER + b", <" + READER + b">")])
