"""Forms of the From header: what this host says to each, in both directions.

`{own}` is the address whose mail it is: what SPF, DKIM and DMARC judge, or what belongs to the login. `{other}` is what
the writer may not write as: an address whose domain has p=reject, or somebody else's on this host.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import NamedTuple

ADDRESS, GROUP, QUOTES, MORE = "has no address", "group of addresses", "@ outside quotes", "more than one address"
ENCODED, COMMENT, BRACKET, SHAPE = "encoded word", "comment", "bracket outside quotes", "is not a name with an address"
BLANKS, DOMAIN, LOOKS = "blanks or special characters", "without the name of a domain", "looks like another one"
ONE, UNQUOTED, COMMAS, CHARSET = "needs one From header", "must be in quotes", "comma outside quotes", "character set"
CONTROL, BACKSLASH, LONG, ROUTE = "control character", "backslash", "longer than", "route"
RIGHT, QUOTE = "right to left", "quote that does not end"

# The value of the only From header, and words of the answer; "" if it is taken.
VALUES = [
    # What honest programs write.
    ("{own}", ""),
    ("<{own}>", ""),
    (" <{own}>", ""),
    ("Anna <{own}>", ""),
    ("Anna<{own}>", ""),
    ('"Anna" <{own}>', ""),
    ('"Writer, Anna" <{own}>', ""),
    ("A. B. Writer <{own}>", ""),
    ("Anna Writer (via Jira) <{own}>", ""),
    ("{own} (Anna Writer)", ""),
    ("(c (n)) {own} (x)", ""),
    ("O'Brien & Söhne <{own}>", ""),
    ("Jörg <{own}>", ""),
    ("J\udcf6rg <{own}>", ""),
    ('"J\udcf6rg" <{own}>', ""),
    ("=?utf-8?Q?J=C3=B6rg?= <{own}>", ""),
    ("=?UTF-8?B?SsO2cmc=?= <{own}>", ""),
    ("=?iso-8859-1?q?J=F6rg?= <{own}>", ""),
    ("=?utf-8*de?Q?J=C3=B6rg?= <{own}>", ""),
    ("=?iso-2022-jp?B?GyRCTEBGfCROMnE1RBsoQg==?= <{own}>", ""),
    ("=?utf-8?Q?J=C3=B6?=\r\n =?utf-8?Q?rg?= <{own}>", ""),
    ("=?utf-8?Q?Writer=2C_Anna?= <{own}>", ""),
    ("=?utf-8?Q?Anna Writer?= <{own}>", ""),
    ('"=?utf-8?Q?J=C3=B6rg?=" <{own}>', ""),
    ('"{own}" <{own}>', ""),
    ("{own} <{own}>", ""),
    ("=?utf-8?Q?{own_encoded}?= <{own}>", ""),
    ("'Anna' via Group <{own}>", ""),
    ("Anna\r\n <{own}>", ""),
    ("\r\n Anna <{own}>", ""),
    ("Anna\r\n\t<{own}>", ""),
    ("Anna \r\n \r\n <{own}>", ""),
    ('"" <{own}>', ""),
    ('"Anna \\"Annie\\" Writer" <{own}>', ""),
    ('"a\\\\b" <{own}>', ""),
    ("< {own} >", ""),
    ("Anna <{own}> (work)", ""),
    ('"Anna" Writer <{own}>', ""),
    ("Ärzte-Team 24/7 <{own}>", ""),
    ("Anna <{own_quoted}>", ""),
    ("{own_quoted}", ""),
    ("{own_upper}", ""),
    ("Anna? =Writer= <{own}>", ""),
    ("Anna | Shop * <{own}>", ""),
    ('"Anna @ Shop" <{own}>', ""),
    ("明日 <{own}>", ""),
    ("😀 Anna <{own}>", ""),
    ("Anna\t<{own}>", ""),
    # Names that have to be in quotes: only from outside.
    ("Writer, Anna <{own}>", UNQUOTED),
    ("dependabot[bot] <{own}>", UNQUOTED),
    ("[JIRA] Anna <{own}>", UNQUOTED),
    ("=?utf-8?Q?[JIRA]_Anna?= <{own}>", UNQUOTED),
    ("=?utf-8?Q?Writer,_Anna?= <{own}>", UNQUOTED),
    ("=?utf-8?Q?=3C{other_encoded}=3E?=, <{own}>", COMMAS),
    ('"Writer", Anna <{own}>', COMMAS),
    # Two addresses, of which one was judged.
    ("{other} <{own}>", QUOTES),
    ("{other}<{own}>", QUOTES),
    ("CEO {other} <{own}>", QUOTES),
    ('"CEO" {other} <{own}>', QUOTES),
    ("(x) {other} <{own}>", QUOTES),
    ("{other} (x) <{own}>", QUOTES),
    ("<{other}> <{own}>", MORE),
    ("<{own}> <{other}>", MORE),
    ("<{own}>{other}", MORE),
    ("{own}, {other}", MORE),
    ("{other}, {own}", MORE),
    ("{own},<{other}>", MORE),
    ("CEO <{other}>, Anna <{own}>", MORE),
    ("{own} {other}", MORE),
    ("{own};{other}", GROUP),
    ("{other};<{own}>", GROUP),
    ("<{other}<{own}>>", MORE),
    ("<{own}<{other}>>", MORE),
    ("<{other}", SHAPE),
    ("{other}>", SHAPE),
    ("Anna {own}", SHAPE),
    ("{own} Anna", SHAPE),
    ("{other}" + " " * 300 + "<{own}>", QUOTES),
    ('"CEO"' + " " * 40000 + "<{own}>, {other}", LONG),
    ("{other}" + "\r\n " * 3000 + "<{own}>", LONG),
    ("x" * 3000 + " <{own}>", LONG),
    ("{other}\r\n <{own}>", QUOTES),
    ("{other},\r\n {own}", MORE),
    # Groups, routes.
    ("Team: {own};", GROUP),
    ("Team: {own}, {other};", GROUP),
    ("Team:;", GROUP),
    ("{other}: <{own}>;", GROUP),
    ("CEO: <{own}>", GROUP),
    ("<{own}>;", GROUP),
    ("<@relay.example:{own}>", ROUTE),
    ("<@strict.test:{own}>", ROUTE),
    ("<{other}:{own}>", GROUP),
    ("@strict.test:{own}", GROUP),
    # No address.
    ("", ADDRESS),
    (" ", ADDRESS),
    ("<>", ADDRESS),
    ("Anna", ADDRESS),
    ("Anna <>", ADDRESS),
    ("Anna <anna>", ADDRESS),
    ('"{own}"', ADDRESS),
    ("({own})", ADDRESS),
    ("=?utf-8?Q?{own_encoded}?=", ADDRESS),
    ("=?utf-8?Q?{other_encoded}?=", ADDRESS),
    ("<=?utf-8?Q?{other_encoded}?=>", ADDRESS),
    # Encoded words.
    ("=?utf-8?Q?{other_encoded}?=@example.net", ENCODED),
    ("<=?utf-8?Q?{other_encoded}=00?=@example.net>", ENCODED),
    ("<=?utf-8?Q?{other_encoded}?==?utf-8?Q?=0A?=@example.net>", SHAPE),
    ('=?utf-8?Q?"?= <{other}> "<{own}>', ENCODED),
    ("=?utf-8?Q?<{other}>?= <{own}>", ENCODED),
    ("=?utf-8?Q?{other}?= <{own}>", ENCODED),
    ("=?x <{other}> =?utf-8?Q?aaaaaaaaaaaaaaaaaaaaaa?= <{own}>", ENCODED),
    ("=?utf-8?Q?Anna?x?= <{own}>", ENCODED),
    ("=?utf-7?Q?ceo+AEA-strict.test?= <{own}>", CHARSET),
    ("=?utf-16?B?AGMAZQBv?= <{own}>", CHARSET),
    ("=?cp037?Q?=83=85=96?= <{own}>", CHARSET),
    ("=?utf-8?Q?Anna=00?= <{own}>", CONTROL),
    ("=?utf-8?Q?Anna=0D=0AFrom:_x?= <{own}>", ENCODED),
    ("=?utf-8?Q?Anna=0D=0Ax?= <{own}>", CONTROL),
    ("Anna <=?utf-8?Q?anna?=@example.net>", ENCODED),
    # Comments and quotes that do not end where they seem to.
    ("anna(x)@example.net", SHAPE),
    ("anna@(x)example.net", SHAPE),
    ("<anna(x)@example.net>", SHAPE),
    ("anna@example.net(<{other}>)", COMMENT),
    ("(<{other}>) {own}", COMMENT),
    ('{own} ("x) <{other}> (x")', COMMENT),
    ("{own} (\\) <{other}>)", COMMENT),
    ("{own} (x", COMMENT),
    ("{own} x)", COMMENT),
    ("({own}", COMMENT),
    ("a [ <{own}> (] <{other}>)", BRACKET),
    ("CEO [<{other}>] <{own}>", BRACKET),
    ('"{other} <{own}>', QUOTE),
    ('"CEO <{own}>', QUOTE),
    ('"a" b" <{own}>', QUOTE),
    ('"CEO\\" <{other}> "x" <{own}>', QUOTE),
    ('CEO \\"x\\" <{own}>', BACKSLASH),
    ('\\<{other}\\> <{own}>', BACKSLASH),
    ('"CEO\udc81\\" <{other}> "x" <{own}>', BACKSLASH),
    # Addresses with more in them than an address.
    ('"{other}"@example.net', BLANKS),
    ('"{other}> x"@example.net', BLANKS),
    ('"a\\"b"@example.net', BLANKS),
    ("anna @example.net", BLANKS),
    ("anna@ example.net", BLANKS),
    ("{own}@strict.test", MORE),
    ("{other}@example.net", MORE),
    ("<{other}@example.net>", MORE),
    ("anna@[192.0.2.1]", DOMAIN),
    ("anna@example.net.", DOMAIN),
    ("anna@.example.net", DOMAIN),
    ("anna@example..net", DOMAIN),
    ("anna@strict.test/x", DOMAIN),
    ("anna@example.net!strict.test", DOMAIN),
    # Characters that look like others, or show nothing.
    ("ceo\uff20strict.test <{own}> <x>", SHAPE),
    ("ceo@\uff53trict.test", LOOKS),
    ("ceo@strict\u3002test", LOOKS),
    ("ceo@stri\u200bct.test", LOOKS),
    ("ceo@strict.test\u2060", LOOKS),
    ("\u202eceo@strict.test", LOOKS),
    ("ceo@\U0001d42ctrict.test", LOOKS),
    ("ceo@stri\u00adct.test", LOOKS),
    ("ceo@\udcffstrict.test", LOOKS),
    ("\u202etset.tcirts@oec\u202c <{own}>", QUOTES),
    ("\u202etset.tcirts oec <{own}>", RIGHT),
    # Bytes that end a header for some programs.
    ("{own}\x01", CONTROL),
    ("CEO\x1b[2K <{own}>", CONTROL),
    ("CEO\x7f <{own}>", CONTROL),
    ("CEO\x0b <{own}>", CONTROL),
]

# Whole header fields.
FIELDS = [
    ("From: {own}\r\nFrom: {other}\r\n", ONE),
    ("From: {other}\r\nFrom: {own}\r\n", ONE),
    ("From: {own}\r\nFrom: {own}\r\n", ONE),
    ("From: {own}\r\nX-First: x\r\nFROM: {other}\r\n", ONE),
    ("From: {own}\r\nFrom : {other}\r\n", ONE),
    ("From : {other}\r\nFrom: {own}\r\n", ONE),
    ("From: {own}\r\nfrom\t: {other}\r\n", ONE),
    ("", ONE),
    ("X-From: {own}\r\n", ONE),
    ("fRoM: {own}\r\n", ""),
    ("From:{own}\r\n", ""),
    ("Sender: {own}\r\nFrom: {own}\r\n", ""),
    ("Reply-To: {other}\r\nFrom: {own}\r\n", ""),
]

# Names that have another's address in them: a login may write them, and from outside they are filed as spam.
NAMES = [
    '"{other}" <{own}>',
    "'CEO' \"{other}\" <{own}>",
    "=?utf-8?Q?{other_encoded}?= <{own}>",
    "=?utf-8?Q?=22CEO=22_=3C{other_encoded}=3E?= <{own}>",
    '"=?utf-8?Q?{other_encoded}?=" <{own}>',
    "=?utf-8?B?{other_base64}?= <{own}>",
    "{own} ({other})",
    "CEO ({other}) <{own}>",
    '"CEO {other} via Outlook" <{own}>',
    '"{other_wide}" <{own}>',
    '"{other_broken}" <{own}>',
]

# Bytes that Postfix takes out or refuses before Rspamd sees the header; other servers cut the header there.
BYTES = ["{own}\0, <{other}>", "{own}\0\r\n , {other}", "<{own}>\r<{other}>", "{own}\r\0, {other}", "<{own}\0,{other}>"]


class Form(NamedTuple):
    """Header fields with places for addresses, words of the answer to them, and what is special."""

    fields: str
    fault: str
    name: bool = False  # the name alone is another's address
    changed: bool = False  # Postfix changes or refuses it

    def written(self, own: str, other: str) -> bytes:
        """Write the fields with these addresses."""
        user, _, domain = own.partition("@")
        texts = {"own": own, "other": other, "own_encoded": own.replace("@", "=40"), "own_upper": own.upper(),
                 "other_encoded": other.replace("@", "=40"), "own_quoted": f'"{user}"@{domain}',
                 "other_base64": base64.b64encode(other.encode()).decode(), "other_wide": other.replace("@", "\uff20"),
                 "other_broken": other.replace("@", "@\u200b")}
        text = self.fields
        for place, value in texts.items():
            text = text.replace("{" + place + "}", value)
        return text.encode("utf-8", "surrogateescape")


def forms() -> Iterator[Form]:
    """Make all forms."""
    for value, fault in VALUES:
        yield Form(f"From: {value}\r\n" if value else "From:\r\n", fault)
    for fields, fault in FIELDS:
        yield Form(fields, fault)
    for value in NAMES:
        yield Form(f"From: {value}\r\n", "", name=True)
    for value in BYTES:
        yield Form(f"From: {value}\r\n", CONTROL, changed=True)
