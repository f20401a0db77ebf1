"""Bodies: bytes beyond ASCII, content transfer encodings that are bent or wrong, and charsets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from .letter import TEXT, UTF8, Letter, compose, lines, raw, words

GERMAN = "Grüße aus Köln, schöne Wünsche an Jörg"
CHARSETS = (
    ("iso-8859-1", GERMAN),
    ("iso-8859-15", GERMAN + " 5 €"),
    ("windows-1252", GERMAN + " “5 €”"),
    ("koi8-r", "Привет из Москвы"),
    ("windows-1251", "Привет из Москвы"),
    ("iso-8859-5", "Привет из Москвы"),
    ("gb18030", "明天在北京见面 𠀀"),
    ("gb2312", "明天在北京见面"),
    ("big5", "明天在台北見面"),
    ("shift_jis", "明日の会議は東京駅で"),
    ("euc-jp", "明日の会議は東京駅で"),
    ("euc-kr", "내일 서울역에서"),
    ("iso-2022-jp", "明日の会議は東京駅で"),
    ("iso-2022-kr", "내일 서울역에서"),
    ("utf-8", GERMAN + " 😀 שלום مرحبا"),
    ("utf-7", GERMAN),
    ("iso-8859-8", "שלום"),
    ("windows-1256", "مرحبا"),
    ("tis-620", "สวัสดี"),
)
WIDE = ("utf-16", "utf-16le", "utf-16be", "utf-32")
CLAIMS = (
    ("", "no word about it"),
    ("7bit", "as 7bit, which it is not"),
    ("8bit", "as 8bit"),
    ("binary", "as binary"),
    ("x-unknown", "by an unknown encoding"),
    ("8BIT", "in capitals"),
    (" 8bit ; x", "with a parameter"),
)
QUOTED = (
    ("soft", "soft line breaks", b"one =\r\ntwo =\r\nthree\r\n"),
    ("lower", "hexadecimal digits in lower case", b"Gr=c3=bc=c3=9fe\r\n"),
    ("crlf", "encoded line ends", b"one=0D=0Atwo=0Athree=0D\r\n"),
    ("blank", "blanks before the ends of lines", b"one \r\ntwo=20\r\n"),
    ("bent", "sequences that are none", b"=ZZ =4 =\t= x\r\n"),
    ("raw", "raw bytes between", b"Gr\xc3\xbc=C3=9Fe\r\n"),
    ("equals", "an equals sign at the very end", b"the end="),
    ("nul", "an encoded NUL", b"a=00b\r\n"),
    ("dots", "dots at line starts, encoded and not", b"=2E\r\n.\r\n..=\r\n.\r\n"),
    ("trail", "blanks after a soft break", b"one = \t\r\ntwo\r\n"),
    ("long", "a line of 1,500 bytes", words(1500) + b"\r\n"),
)


def letters() -> Iterator[Letter]:
    """Make the letters whose bodies are odd."""
    yield from _eight_bits()
    yield from _quoted()
    yield from _base64()
    yield from _charsets()


def _eight_bits() -> Iterator[Letter]:
    for number, (claim, how) in enumerate(CLAIMS):
        yield compose(f"8bit-{number}", f"UTF-8 sent {how}", lines(GERMAN.encode()), kind=UTF8, encoding=claim)
    high = bytes(range(0x80, 0x100))
    yield compose(
        "high-bytes", "every byte from 80 to FF", lines(high), kind="application/octet-stream", encoding="8bit"
    )
    yield compose(
        "high-plain", "every byte from 80 to FF, without MIME", lines(high), without=("MIME-Version", "Content-Type")
    )
    yield compose(
        "high-broken",
        "UTF-8 that is broken",
        lines(b"\xc3", b"\xe2\x82", b"\xff\xfe", b"\xc0\xaf"),
        kind=UTF8,
        encoding="8bit",
    )
    yield compose(
        "binary-line", "noise in one long line", lines(raw(3000)), kind="application/octet-stream", encoding="binary"
    )
    yield compose("8bit-ascii", "said to be US-ASCII, is not", lines(GERMAN.encode()), kind=TEXT)
    yield compose(
        "8bit-dots",
        "UTF-8 with dots at line starts",
        lines(".ü".encode(), b".", "..ß".encode()),
        kind=UTF8,
        encoding="8bit",
    )
    yield compose(
        "nbsp",
        "no-break spaces and a byte order mark",
        lines("\ufeffa\u00a0b\u2028c\u0085d".encode()),
        kind=UTF8,
        encoding="8bit",
    )


def _quoted() -> Iterator[Letter]:
    for name, odd, body in QUOTED:
        yield compose(f"qp-{name}", f"quoted-printable with {odd}", body, kind=UTF8, encoding="quoted-printable")


def _base64() -> Iterator[Letter]:
    text = GERMAN.encode() * 60
    single = base64.b64encode(text)
    bodies = (
        ("line", "in one line of 3,500 bytes", lines(single)),
        ("lines", "in lines of 76", base64.encodebytes(text).replace(b"\n", b"\r\n")),
        ("short", "in lines of 4", lines(*[single[start : start + 4] for start in range(0, 400, 4)])),
        ("unpadded", "without padding", lines(base64.b64encode(b"four").rstrip(b"="))),
        ("empty", "of nothing", b""),
        ("blanks", "with blanks inside", lines(b"R3Lk c2Ug", b"  YXVz", b"\tIEs=")),
        ("garbage", "with what is none after it", lines(b"Zm91cg==", b"-- list footer")),
        ("inner", "with padding in the middle", lines(b"Zm91cg==Zm91cg==")),
        ("crlf", "with 1,000 empty lines", lines(b"Zm91cg==") + b"\r\n" * 1000),
        ("noend", "that ends within a line", single[:75]),
    )
    for name, odd, body in bodies:
        yield compose(f"base64-{name}", f"base64 {odd}", body, kind=UTF8, encoding="base64")
    yield compose(
        "uuencode",
        "uuencoded text in the body",
        lines(
            b"begin 644 x.txt",
            *[binascii.b2a_uu(text[start : start + 45]).rstrip(b"\n") for start in range(0, 450, 45)],
            b"`",
            b"end",
        ),
    )
    yield compose(
        "yenc",
        "yEnc: nearly all bytes",
        lines(b"=ybegin line=128 size=200 name=x", raw(200, 1).replace(b"=", b""), b"=yend size=200"),
        encoding="8bit",
    )


def _charsets() -> Iterator[Letter]:
    for charset, text in CHARSETS:
        # 7-bit charsets switch by escape sequences and need no encoding
        encoding = "7bit" if charset.startswith(("iso-2022", "utf-7")) else "8bit"
        yield compose(
            f"charset-{charset}",
            f"{charset} as it is",
            lines(text.encode(charset)),
            kind=f"text/plain; charset={charset}",
            encoding=encoding,
        )
    for charset in WIDE:
        yield compose(
            f"charset-{charset}",
            f"{charset} in base64",
            base64.encodebytes(GERMAN.encode(charset)).replace(b"\n", b"\r\n"),
            kind=f"text/plain; charset={charset}",
            encoding="base64",
        )
    for name, kind in (
        ("none", "text/plain"),
        ("empty", 'text/plain; charset=""'),
        ("unknown", "text/plain; charset=x-unknown"),
        ("twice", "text/plain; charset=utf-8; charset=koi8-r"),
        ("bent", "text/plain; charset"),
        ("typeless", "text"),
        ("nothing", ";;;"),
    ):
        yield compose(f"type-{name}", f"the type {kind!r}", lines(GERMAN.encode()), kind=kind, encoding="8bit")
