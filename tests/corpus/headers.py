"""Fields: long ones, folded and not, missing, doubled, encoded, and those that servers treat in their own way."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from .letter import AUTHOR, READER, Field, Letter, compose, field, words

FOLD = b"\r\n "
ONCE = ("Subject", "To", "Date", "Message-ID", "Reply-To", "References")
MISSING = (
    ("Date",),
    ("Message-ID",),
    ("Date", "Message-ID"),
    ("To",),
    ("Subject",),
    ("MIME-Version",),
    ("Content-Type",),
    ("To", "Date", "Message-ID", "Subject", "MIME-Version", "Content-Type"),
)
ENCODED = (
    ("b", "=?utf-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?="),
    ("q", "=?iso-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?="),
    ("split", "=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?="),
    ("adjacent", "=?utf-8?Q?one?==?utf-8?Q?two?="),
    ("jp", "=?iso-2022-jp?B?GyRCTEBGfCROMnE1RBsoQg==?="),
    ("empty", "=?utf-8?B??="),
    ("bent", "=?utf-8?X?abc?= =?utf-8?B?@@@?="),
    ("open", "=?utf-8?B?R3LDvMOfZQ"),
    ("long", "=?utf-8?Q?" + "=C3=BC" * 200 + "?="),
    ("language", "=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?="),
    ("newline", "=?utf-8?Q?one=0D=0ABcc:_x=40y.example?="),
)
SERVERS: tuple[Field, ...] = (
    ("Return-Path", "<someone@elsewhere.example>"),
    ("Bcc", "hidden@elsewhere.example"),
    ("Content-Length", "17"),
    ("Lines", "3"),
    ("Status", "RO"),
    ("X-Status", "A"),
    ("Delivered-To", "someone@elsewhere.example"),
    ("X-Original-To", "someone@elsewhere.example"),
    ("Errors-To", "x@elsewhere.example"),
    ("Return-Receipt-To", AUTHOR),
    ("Disposition-Notification-To", AUTHOR),
    ("Apparently-To", READER),
    ("X-Spam-Flag", "YES"),
    ("X-Spamd-Result", "default: True"),
    ("Authentication-Results", "mx.elsewhere.example; spf=pass"),
    ("Received-SPF", "pass"),
    ("ARC-Seal", "i=1; a=rsa-sha256; cv=none; d=elsewhere.example; s=x; t=1; b=AAAA"),
    ("DKIM-Signature", "v=1; a=rsa-sha256; d=elsewhere.example; s=x; h=from; bh=AAAA; b=AAAA"),
    ("DomainKey-Signature", "a=rsa-sha1; d=elsewhere.example; b=AAAA"),
    ("Precedence", "bulk"),
    ("Auto-Submitted", "auto-replied"),
    ("X-Priority", "1 (Highest)"),
    ("Importance", "high"),
    ("Sensitivity", "Company-Confidential"),
    ("Organization", 'A & B, "C"'),
    ("User-Agent", "Mutt/2.2.13"),
    ("Autocrypt", "addr=a@b.example; keydata=" + "mDMEX" * 300),
    ("Face", "iVBORw0KGgo" * 80),
    ("Expires", "never"),
    ("List-Id", "<list.elsewhere.example>"),
    ("List-Unsubscribe", "<https://elsewhere.example/u>, <mailto:u@elsewhere.example>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("Mail-Followup-To", "list@elsewhere.example"),
    ("Reply-To", "A <a@elsewhere.example>, b@elsewhere.example"),
    ("Comments", "one"),
    ("Keywords", "a, b,, c"),
)


def letters() -> Iterator[Letter]:
    """Make the letters whose fields are odd."""
    yield from _long()
    yield from _forms()
    yield from _counts()
    for name, value in ENCODED:
        yield compose(f"encoded-{name}", f"an encoded word in the subject ({name})", fields=[("Subject", value)])
    for name, content in SERVERS:
        yield compose(f"field-{name.lower()}", f"a field {name} that somebody else wrote", fields=[(name, content)])
    yield from _resent()


def _long() -> Iterator[Letter]:
    for length in (78, 500, 985, 989, 990, 2000, 2048, 5000, 16384, 50000):
        yield compose(
            f"subject-{length}", f"a subject of {length} bytes in one line", fields=[("Subject", words(length))]
        )
    for count in (2, 11, 25, 600):
        ids = [
            b"<%04d.AAAAAAAA+CUP6F/1eOdFog5k3OunnBYBANlTnCJhprtF@elsewhere.example>" % number for number in range(count)
        ]
        yield compose(f"references-{count}", f"{count} references, folded", fields=[("References", FOLD.join(ids))])
        yield compose(
            f"references-{count}-unfolded", f"{count} references in one line", fields=[("References", b" ".join(ids))]
        )
    for size in (60, 99, 150):
        ids = [
            b"<%05d.0123456789012345678901234567890123456789@elsewhere.example>" % number for number in range(size * 15)
        ]
        yield compose(
            f"references-{size}k",
            f"{size} KB of references, folded",
            fields=[("References", FOLD.join(ids))],
            refused="References is too long",
            cut=True,
        )
    yield compose(
        "references-unfolded-70k",
        "70 KB of references in one line",
        fields=[("References", b" ".join(ids[:1000]))],
        refused="References is too long",
        cut=True,
    )
    yield compose("field-name-long", "a field's name of 900 bytes", fields=[("X-" + "a" * 900, "x")])
    yield compose(
        "subject-japanese-long",
        "forty encoded words in one line",
        fields=[("Subject", b" ".join([b"=?utf-8?B?" + base64.b64encode("明日の会議".encode()) + b"?="] * 40))],
    )


def _forms() -> Iterator[Letter]:
    forms = (
        ("tab", "folded by a tab", b"Subject: one\r\n\ttwo\r\n"),
        ("deep", "folded by many blanks", b"Subject: one\r\n      two\r\n"),
        ("no-blank", "without a blank after the colon", b"Subject:one\r\n"),
        ("tab-after", "with a tab after the colon", b"Subject:\tone\r\n"),
        ("blanks-after", "with five blanks after the colon", b"Subject:     one\r\n"),
        ("empty", "empty", b"Subject:\r\n"),
        ("blank", "of one blank", b"Subject: \r\n"),
        ("trailing", "with blanks at its end", b"Subject: one  \t\r\n"),
        ("case", "in odd letters", b"sUbJeCt: one\r\n"),
        ("first-fold", "folded before its first word", b"Subject:\r\n one\r\n"),
        ("last-fold", "with a last line of blanks", b"Subject: one\r\n \t\r\n"),
        ("mid-fold", "with a line of blanks inside", b"Subject: one\r\n \r\n two\r\n"),
        ("before-colon", "with a blank before the colon", b"Subject : one\r\n"),
        ("raw", "in raw UTF-8", "Subject: Grüße 😀\r\n".encode()),
        ("latin", "in raw ISO 8859-1", b"Subject: Gr\xfc\xdfe\r\n"),
        ("controls", "with control characters", b"Subject: a\x01b\x7fc\x1bd\r\n"),
        ("colon", "of colons", b"Subject: :::\r\n"),
        ("runs", "with runs of blanks", b"Subject: a  b \t c\r\n"),
    )
    for name, odd, written in forms:
        usual = compose(f"form-{name}", f"a subject {odd}", without=("Subject",), obsolete=name == "before-colon")
        yield usual._replace(head=usual.head + written)
        own = compose(f"form-x-{name}", f"a field of one's own {odd}", without=("Subject",), obsolete=usual.obsolete)
        yield own._replace(head=field("Subject", "x") + own.head + b"X-Own" + written[7:])


def _counts() -> Iterator[Letter]:
    for missing in MISSING:
        name = "-".join(missing).lower() if len(missing) < 4 else "all"
        yield compose(f"without-{name}", f"without {', '.join(missing)}", without=missing)
    second: tuple[Field, ...] = (
        ("Subject", "second"),
        ("To", b"<other@elsewhere.example>"),
        ("Date", "Thu, 26 Nov 2026 12:00:00 +0000"),
        ("Message-ID", "<second@elsewhere.example>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/html"),
        ("Reply-To", "a@elsewhere.example"),
        ("X-Mailer", "x"),
        ("References", "<a@elsewhere.example>"),
    )
    for name, value in second:
        usual = compose(
            f"twice-{name.lower()}",
            f"{name} twice",
            refused=f"2 {name} headers" if name in ONCE else "",
            fields=[("X-Mailer", "y"), ("Reply-To", AUTHOR), ("References", "<b@elsewhere.example>")],
        )
        yield usual._replace(head=usual.head + field(name, value))
    yield compose("fields-500", "five hundred fields", fields=[(f"X-{number}", "y") for number in range(500)])
    yield compose(
        "fields-same-200", "one field two hundred times", fields=[("X-Same", str(number)) for number in range(200)]
    )
    yield compose(
        "received-20",
        "on its twentieth host",
        fields=[
            ("Received", f"from a{number}.example by b{number}.example; Thu, 26 Nov 2026 12:00:00 +0000")
            for number in range(20)
        ],
    )
    for name, value in (
        ("bad", "yesterday"),
        ("zone", "Thu, 26 Nov 2026 12:46:47 GMT (really)"),
        ("old", "1 Jan 70 00:00 UT"),
        ("future", "Fri, 1 Jan 2100 00:00:00 +1400"),
    ):
        yield compose(f"date-{name}", f"the date {value!r}", fields=[("Date", value)])
    for name, value in (
        ("bare", "no-brackets@elsewhere.example"),
        ("blank", "<with blank@elsewhere.example>"),
        ("long", "<" + "a" * 900 + "@elsewhere.example>"),
        ("empty", ""),
    ):
        yield compose(f"id-{name}", f"a Message-ID that is {name}", fields=[("Message-ID", value)])
    usual = compose("fields-garbage", "a line that is no field among them", obsolete=True)
    yield usual._replace(head=usual.head + b"this is no field\r\n")


def _resent() -> Iterator[Letter]:
    block: list[Field] = [
        ("Resent-From", AUTHOR),
        ("Resent-To", b"<" + READER + b">"),
        ("Resent-Date", "Thu, 26 Nov 2026 13:00:00 +0000"),
        ("Resent-Message-ID", "<resent@letters.example>"),
    ]
    yield compose("resent", "resent by its author, as mutt's bounce does", fields=block)
    yield compose("resent-twice", "resent twice", fields=[*block, *block])
    yield compose("resent-only-from", "resent with Resent-From alone", fields=block[:1])
