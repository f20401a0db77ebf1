"""MIME: parts in parts, boundaries, attachments, and what is signed or encrypted inside."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from .letter import AUTHOR, GOOD_DAY, HTML, TEXT, UTF8, Letter, compose, lines, noise, raw, words

BOUNDARIES = (
    ("short", "b"),
    ("equals", "=_x=1"),
    ("quoted", "a b:c?d"),
    ("dashes", "----"),
    ("seventy", "x" * 70),
    ("two-hundred", "x" * 200),
    ("dot", "."),
    ("specials", "'()+_,-./:=?"),
)
LONG = "is too long"


def letters() -> Iterator[Letter]:
    """Make the letters whose parts are odd."""
    yield from _boundaries()
    yield from _depths()
    yield from _attachments()
    yield from _kinds()


def part(body: bytes, kind: str = TEXT, encoding: str = "", more: bytes = b"") -> bytes:
    """Write a part of a multipart, with its fields."""
    claim = f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    return f"Content-Type: {kind}\r\n{claim}".encode() + more + b"\r\n" + body


def multipart(
    parts: list[bytes], boundary: str, *, preamble: bytes = b"", epilogue: bytes = b"", closed: bool = True
) -> bytes:
    """Write the parts, with the boundary between them."""
    mark = b"--" + boundary.encode()
    body = preamble + b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts)
    return body + (mark + b"--\r\n" + epilogue if closed else b"")


def mixed(
    name: str,
    odd: str,
    parts: list[bytes],
    kind: str = "multipart/mixed",
    *,
    boundary: str = "frontier",
    encoding: str = "",
    preamble: bytes = b"",
    epilogue: bytes = b"",
    closed: bool = True,
    **fate: Any,
) -> Letter:
    """Make a letter of several parts."""
    body = multipart(parts, boundary, preamble=preamble, epilogue=epilogue, closed=closed)
    return compose(name, odd, body, kind=f'{kind}; boundary="{boundary}"', encoding=encoding, **fate)


def base64_lines(data: bytes) -> bytes:
    """Encode bytes in base64 as mail programs do, in lines of 76."""
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _boundaries() -> Iterator[Letter]:
    two = [part(GOOD_DAY), part(b"<p>Good day</p>\r\n", HTML)]
    for name, boundary in BOUNDARIES:
        yield mixed(f"boundary-{name}", f"a boundary of {len(boundary)} bytes: {name}", two, boundary=boundary)
    yield mixed("boundary-open", "no last boundary", two, closed=False)
    yield mixed(
        "boundary-alike",
        "an inner boundary that begins as the outer one does",
        [part(multipart(two, "frontier2"), 'multipart/alternative; boundary="frontier2"'), part(GOOD_DAY)],
    )
    yield mixed(
        "boundary-same",
        "an inner boundary that is the outer one",
        [part(multipart(two, "frontier"), 'multipart/alternative; boundary="frontier"'), part(GOOD_DAY)],
    )
    yield compose(
        "boundary-none", "a multipart that names no boundary", multipart(two, "frontier"), kind="multipart/mixed"
    )
    yield compose(
        "boundary-unused", "a multipart whose boundary never comes", GOOD_DAY, kind="multipart/mixed; boundary=frontier"
    )
    yield compose(
        "boundary-folded",
        "a boundary in a folded field",
        multipart(two, "frontier"),
        kind='multipart/mixed;\r\n\tboundary="frontier"',
    )
    yield mixed(
        "preamble",
        "text before and after the parts",
        two,
        preamble=lines(b"not for you", "ü".encode()),
        epilogue=lines(b"", b"nor this", words(1200)),
    )
    yield mixed("parts-none", "no part at all", [])
    yield mixed("parts-empty", "three parts of nothing", [b"", b"\r\n", part(b"")])
    yield mixed("parts-headless", "parts without fields", [b"\r\nplain\r\n", b"\r\n\r\n"])
    yield mixed("parts-200", "two hundred parts", [part(b"x\r\n")] * 200)
    yield mixed(
        "part-field-long",
        "a part's field of 3,000 bytes",
        [part(GOOD_DAY, more=b"Content-Description: " + words(3000) + b"\r\n")],
    )
    yield mixed(
        "part-field-blank",
        "a part's field with a blank before its colon, obsolete",
        [part(GOOD_DAY, more=b"Content-Description : x\r\n")],
        obsolete=True,
    )
    yield mixed(
        "part-field-70k",
        "a part's field of 70 KB",
        [part(GOOD_DAY, more=b"X-Long: " + words(70000) + b"\r\n")],
        refused=LONG,
        cut=True,
    )
    yield mixed(
        "part-lines-long",
        "parts with lines of 2,500 bytes",
        [part(words(2500)), part("ä".encode() * 1250, HTML, "8bit")],
    )


def _depths() -> Iterator[Letter]:
    for depth in (2, 10, 30, 60):
        body, kind = GOOD_DAY, TEXT
        for level in range(depth):
            body, kind = multipart([part(body, kind)], f"level{level}"), f"multipart/mixed; boundary=level{level}"
        yield compose(f"multipart-deep-{depth}", f"multiparts {depth} deep", body, kind=kind)
    for depth in (1, 5, 30):
        body = lines(b"From: a@elsewhere.example", b"", "Grüße".encode())
        for level in range(depth):
            body = (
                lines(b"From: a@elsewhere.example", b"Subject: %d" % level, b"Content-Type: message/rfc822", b"") + body
            )
        yield compose(
            f"rfc822-deep-{depth}", f"letters in letters, {depth} deep", body, kind="message/rfc822", encoding="8bit"
        )
    inner = lines(
        b"From: b@elsewhere.example",
        b"Received: from x.example by mx.example.org (Postfix) with ESMTPSA id 123; Thu, 26 Nov 2026 12:00:00 +0000",
        b"Bcc: c@elsewhere.example",
        b"Return-Path: <d@elsewhere.example>",
        b"",
        b"hi",
    )
    yield mixed(
        "rfc822-fields",
        "an attached letter with fields that servers take out",
        [part(GOOD_DAY), part(inner, "message/rfc822")],
    )
    yield mixed(
        "rfc822-long",
        "an attached letter with long lines",
        [part(lines(b"Subject: " + words(1500), b"", words(1500)), "message/rfc822")],
    )


def _attachments() -> Iterator[Letter]:
    for size in (0, 1, 57, 1000, 10_000, 100_000, 1_000_000):
        yield mixed(
            f"attachment-{size}",
            f"an attachment of {size} bytes",
            [
                part(GOOD_DAY),
                part(
                    base64_lines(noise(size)),
                    "application/pdf",
                    "base64",
                    b"Content-Disposition: attachment; filename=a.pdf\r\n",
                ),
            ],
        )
    names = (
        ("rfc2231", b"filename*=utf-8''Gr%C3%BC%C3%9Fe.pdf"),
        ("rfc2231-split", b'filename*0="a";\r\n filename*1="b.pdf"'),
        ("encoded", b'filename="=?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?="'),
        ("raw", 'filename="Grüße.pdf"'.encode()),
        ("path", b'filename="../../etc/passwd"'),
        ("long", b'filename="' + b"n" * 1200 + b'.pdf"'),
        ("bent", b'filename="open'),
    )
    for name, written in names:
        yield mixed(
            f"filename-{name}",
            f"a file's name: {name}",
            [
                part(
                    base64_lines(b"x"),
                    "application/pdf",
                    "base64",
                    b"Content-Disposition: attachment; " + written + b"\r\n",
                )
            ],
        )
    yield mixed(
        "attachment-8bit", "an attachment of raw bytes", [part(raw(2000, 5), "application/octet-stream", "8bit")]
    )
    yield mixed(
        "attachment-single-line",
        "an attachment in one line of base64",
        [part(base64.b64encode(noise(9000)), "image/png", "base64")],
    )


def _kinds() -> Iterator[Letter]:
    kinds = (
        "text/calendar; method=REQUEST",
        "text/enriched",
        "application/ms-tnef; name=winmail.dat",
        "message/partial; id=x; number=1; total=2",
        "message/external-body; access-type=URL",
        "message/global",
        "message/delivery-status",
        "text/x-unknown",
        "video/mp4",
        "x-y/z",
        "multipart",
        "application/mbox",
        "message/http",
    )
    for number, kind in enumerate(kinds):
        yield compose(
            f"kind-{number}",
            f"the type {kind}",
            lines(b"Reporting-MTA: dns; a.example", b"", "x: ü".encode()),
            kind=kind,
            encoding="8bit",
        )
    for number, encoding in enumerate(("base64", "quoted-printable", "8bit", "binary", "7bit")):
        yield mixed(
            f"multipart-claims-{number}",
            f"a multipart that says it is {encoding}",
            [part("ü\r\n".encode(), UTF8, "8bit")],
            encoding=encoding,
        )
    yield mixed(
        "alternative",
        "text and HTML, of which the HTML has a long line",
        [part(GOOD_DAY), part(b"<p>" + b"x <b>y</b> " * 300 + b"</p>", HTML)],
        "multipart/alternative",
    )
    yield mixed(
        "related",
        "HTML with its picture",
        [
            part(b'<img src="cid:x">', HTML),
            part(base64_lines(noise(500)), "image/gif", "base64", b"Content-ID: <x>\r\n"),
        ],
        "multipart/related",
    )
    yield mixed(
        "report",
        "a report of a failed delivery",
        [
            part(GOOD_DAY),
            part(
                lines(b"Reporting-MTA: dns; a.example", b"", b"Final-Recipient: rfc822;" + AUTHOR),
                "message/delivery-status",
            ),
            part(lines(b"Subject: x"), "text/rfc822-headers"),
        ],
        "multipart/report; report-type=delivery-status",
    )
    yield mixed(
        "digest",
        "a digest",
        [b"\r\n" + lines(b"Subject: one", b"", b"1"), b"\r\n" + lines(b"Subject: two", b"", b"2")],
        "multipart/digest",
    )
