"""Letters that may cost a scanner much: generators, so that megabytes are written where they are needed.

A kind is a line in KINDS. It takes about how many bytes its letter has and a source of chance, and makes the letter.
"""

from __future__ import annotations

import base64
import email.utils
import random
from collections.abc import Callable

from . import files

Kind = Callable[[int, random.Random], bytes]
_WORDS = b"meeting budget garden window printer invoice holiday recipe bicycle library concert ticket engine".split()
_TLDS = (b"com", b"net", b"org", b"example", b"info", b"test", b"co.uk", b"xn--p1ai")


def letter(head: bytes, body: bytes, chance: random.Random) -> bytes:
    """Put the fields that every letter has before the given ones."""
    start = (f"From: bob@example.net\r\nTo: alice@example.org\r\nDate: {email.utils.formatdate()}\r\n"
             f"Message-ID: <{chance.getrandbits(64):x}@example.net>\r\nMIME-Version: 1.0\r\n")
    return start.encode() + head + b"\r\n" + body


def parts(of: bytes) -> Kind:
    """Make the kind whose letters have one part after the other."""
    def make(size: int, chance: random.Random) -> bytes:
        return letter(b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n",
                      (b"--b\r\n" + of) * (size // (len(of) + 5)) + b"--b--\r\n", chance)
    return make


def nested_multiparts(size: int, chance: random.Random) -> bytes:
    """Each part is in the one before, with a boundary of its own."""
    levels = max(1, size // 60)
    body = b"".join(b"--%x\r\nContent-Type: multipart/mixed; boundary=%x\r\n\r\n" % (level, level + 1)
                    for level in range(levels))
    return letter(b"Subject: nested\r\nContent-Type: multipart/mixed; boundary=0\r\n", body, chance)


def nested_messages(size: int, chance: random.Random) -> bytes:
    """Each message is attached to the one before."""
    return letter(b"Subject: forwarded\r\nContent-Type: message/rfc822\r\n",
                  b"Content-Type: message/rfc822\r\n\r\n" * (size // 32), chance)


def digest(size: int, chance: random.Random) -> bytes:
    """One message after the other is attached, and each has parts."""
    one = (b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n"
           b"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n")
    return letter(b"Subject: digest\r\nContent-Type: multipart/digest; boundary=b\r\n",
                  one * (size // len(one)) + b"--b--\r\n", chance)


def hidden_parts(size: int, chance: random.Random) -> bytes:
    """An attached message is encoded, and has many parts."""
    message = b"Content-Type: multipart/mixed; boundary=c\r\n\r\n" + b"--c\r\n\r\n" * (size // 10)
    return letter(b"Subject: hidden\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n",
                  base64.encodebytes(message).replace(b"\n", b"\r\n"), chance)


def undeclared_hidden_parts(size: int, chance: random.Random) -> bytes:
    """As hidden_parts, in a part that does not say that it is encoded."""
    hidden = hidden_parts(size, chance).partition(b"base64\r\n\r\n")[2]
    return letter(b"Subject: hidden\r\nContent-Type: multipart/mixed; boundary=k\r\n",
                  b"--k\r\nContent-Type: message/rfc822\r\n\r\n" + hidden + b"--k--\r\n", chance)


def mixture(of: list[bytes], chance: random.Random) -> bytes:
    """Attach several letters to one."""
    return letter(b"Subject: mixture\r\nContent-Type: multipart/mixed; boundary=mixture\r\n", b"".join(
        b"--mixture\r\nContent-Type: message/rfc822\r\n\r\n" + one + b"\r\n" for one in of) + b"--mixture--\r\n",
                  chance)


def spliced(one: bytes, other: bytes, chance: random.Random) -> bytes:
    """Continue a letter with another one from some byte of its body on."""
    at = max(one.find(b"\r\n\r\n") + 4, chance.randrange(len(one)))
    return one[:at] + other[min(at, chance.randrange(len(other))):]


def lines_like_boundaries(size: int, chance: random.Random) -> bytes:
    """Lines that begin as a boundary does, in a letter without parts."""
    return letter(b"Subject: lines\r\nContent-Type: text/plain\r\n", b"--b\r\n" * (size // 5), chance)


def unclosed(size: int, chance: random.Random) -> bytes:
    """Each line is another boundary, and each is announced by none."""
    return letter(b"Subject: unclosed\r\nContent-Type: multipart/mixed\r\n",
                  b"".join(b"--%x\r\n\r\n" % number for number in range(size // 9)), chance)


def headers(line: bytes) -> Kind:
    """Make the kind whose letters have the same header field again and again."""
    def make(size: int, chance: random.Random) -> bytes:
        return letter(b"Subject: headers\r\n" + line * (size // len(line)), b"text\r\n", chance)
    return make


def different_headers(size: int, chance: random.Random) -> bytes:
    """Each header field has a name of its own."""
    return letter(b"Subject: headers\r\n" + b"".join(b"X-%x: y\r\n" % number for number in range(size // 11)),
                  b"text\r\n", chance)


def long_header(name: bytes, piece: bytes, ending: bytes = b"") -> Kind:
    """Make the kind whose letters have one long header field, folded where its pieces are."""
    def make(size: int, chance: random.Random) -> bytes:
        return letter(b"Subject: long\r\n" + name + b": x\r\n" + piece * (size // len(piece)) + ending, b"text\r\n",
                      chance)
    return make


def part_headers(size: int, chance: random.Random) -> bytes:
    """The header fields are those of a part."""
    return letter(b"Subject: part headers\r\nContent-Type: multipart/mixed; boundary=b\r\n",
                  b"--b\r\n" + b"X-Field: value\r\n" * (size // 16) + b"\r\ntext\r\n--b--\r\n", chance)


def text(piece: bytes, kind: bytes = b"text/plain; charset=utf-8", ending: bytes = b"\r\n", first: bytes = b"",
         encoding: bytes = b"8bit") -> Kind:
    """Make the kind whose letters repeat a text."""
    def make(size: int, chance: random.Random) -> bytes:
        claim = b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n"
        return letter(b"Subject: text\r\nContent-Type: " + kind + claim,
                      first + piece * (size // len(piece)) + ending, chance)
    return make


def words(size: int, chance: random.Random) -> bytes:
    """Every word is another."""
    return letter(b"Subject: words\r\n", b"".join(
        b" ".join(b"%x" % chance.getrandbits(32) for _ in range(8)) + b"\r\n" for _ in range(size // 73)), chance)


def links(html: bool, per_line: int = 1) -> Kind:
    """Make the kind whose letters are addresses of web pages, each of another host."""
    def make(size: int, chance: random.Random) -> bytes:
        found = [b"http://%x.%x.%s/%x?q=%x" % (chance.getrandbits(24), chance.getrandbits(24), chance.choice(_TLDS),
                                               chance.getrandbits(16), chance.getrandbits(16))
                 for _ in range(size // (65 if html else 35))]
        if html:
            found = [b'<a href="' + link + b'">' + found[-1] + b"</a>" for link in found]
        lines = [b" ".join(found[at:at + per_line]) for at in range(0, len(found), per_line)]
        kind = b"text/html" if html else b"text/plain"
        return letter(b"Subject: links\r\nContent-Type: " + kind + b"\r\n", b"\r\n".join(lines) + b"\r\n", chance)
    return make


def attached(name: bytes, data: Callable[[int, random.Random], bytes],
             kind: bytes = b"application/octet-stream") -> Kind:
    """Make the kind whose letters have a file attached."""
    def make(size: int, chance: random.Random) -> bytes:
        content = base64.encodebytes(data(size * 3 // 4, chance)).replace(b"\n", b"\r\n")
        return letter(b"Subject: file\r\nContent-Type: multipart/mixed; boundary=b\r\n",
                      b"--b\r\nContent-Type: " + kind + b'; name="' + name + b'"\r\nContent-Disposition: attachment;'
                      b' filename="' + name + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n' + content
                      + b"--b--\r\n", chance)
    return make


_HTML = b"text/html; charset=utf-8"
_HEX = b"0123456789abcdef"
KINDS: dict[str, Kind] = {
    "empty parts": parts(b"\r\n"),
    "text parts": parts(b"Content-Type: text/plain\r\n\r\nx\r\n"),
    "html parts": parts(b"Content-Type: text/html\r\n\r\n<p>x\r\n"),
    "attached parts": parts(b"Content-Type: application/zip; name=x.zip\r\n\r\nPK\r\n"),
    "nested multiparts": nested_multiparts,
    "nested messages": nested_messages,
    "digest": digest,
    "hidden parts": hidden_parts,
    "undeclared hidden parts": undeclared_hidden_parts,
    "lines like boundaries": lines_like_boundaries,
    "unclosed parts": unclosed,
    "header fields": headers(b"X-Field: value\r\n"),
    "short header fields": headers(b"a:\r\n"),
    "different header fields": different_headers,
    "Received fields": headers(b"Received: from a.example.net (a.example.net [198.51.100.7]) by b.example.net\r\n"
                               b" with ESMTP id 1; Thu, 26 Nov 2026 20:00:00 +0000\r\n"),
    "signatures": headers(b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=none; h=from:to:subject;\r\n"
                          b" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"),
    "ARC seals": headers(b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.net; s=none; b=AAAA\r\n"),
    "From fields": headers(b"From: bob@example.net\r\n"),
    "Content-Type fields": headers(b"Content-Type: multipart/mixed; boundary=x\r\n"),
    "list fields": headers(b"List-Unsubscribe: <http://example.net/x>, <mailto:x@example.net>\r\n"),
    "part headers": part_headers,
    "header fields of attached messages": lambda size, chance: mixture(
        [headers(b"From: bob@example.net\r\n")(size // 2, chance)] * 2, chance),
    "recipients": long_header(b"Cc", b" ,somebody <someone@example.net>\r\n"),
    "comments": long_header(b"Reply-To", b" ((((((((((((((((((((((((((((((\r\n"),
    "quotes": long_header(b"Sender", b' "\\"\\"\\"" "\\"\r\n'),
    "groups": long_header(b"Bcc", b" a:b:c:;;<<<@@\r\n"),
    "encoded words": long_header(b"Comments", b" =?utf-8?q?=C3=A4?= =?utf-8?b?w6Q=?=\r\n"),
    "encoded words of other charsets": long_header(b"Comments", b" =?iso-2022-jp?b?GyRCJCIbKEI=?=\r\n"),
    "references": long_header(b"References", b" <12345@example.net>\r\n"),
    "parameters": long_header(b"Content-Type", b" ; name*1*=utf-8''%41\r\n"),
    "text": text(b"The quick brown fox jumps over the lazy dog, and again it does.\r\n"),
    "different words": words,
    "one word": text(b"a"),
    "digits": text(b"4111 1111 1111 1111 +49 89 1234567 1BoatSLRHtKNngkdXEeobR76b53LETtpyT\r\n"),
    "blanks": text(b" "),
    "empty lines": text(b"\r\n"),
    "dots": text(b"a.b.c.d.e@f.g.h.i/?#"),
    "soft line ends": text(b"=\r\n", encoding=b"quoted-printable"),
    "quoted-printable": text(b"=3D=C3=A4=\r\n", encoding=b"quoted-printable"),
    "long base64 line": text(b"QUJD", encoding=b"base64"),
    "base64 with rubbish": text(b"Q!U?J*D \r\n", encoding=b"base64"),
    "Chinese": text("你好世界这是一个测试".encode()),
    "Thai": text("สวัสดีชาวโลก".encode()),
    "Arabic": text("مرحبا بالعالم ".encode()),
    "combining characters": text("a".encode() + "\u0301\u0316\u0334".encode() * 20),
    "invisible characters": text("a\u200b\u200d\u2060\ufeff".encode()),
    "wrong UTF-8": text(b"\xff\xc3(\xed\xa0\x80"),
    "UTF-7": text(b"+AGEA5ACk-", kind=b"text/plain; charset=utf-7"),
    "ISO-2022-JP": text(b"\x1b$B$\"\x1b(B", kind=b"text/plain; charset=iso-2022-jp"),
    "GB18030": text(b"\x81\x30\x81\x30\xc4\xe3", kind=b"text/plain; charset=gb18030"),
    "HTML": text(b"<p>The <b>quick</b> brown <i>fox</i> jumps over the lazy dog</p>\r\n", kind=_HTML),
    "deep HTML": text(b"<div>", kind=_HTML),
    "tables": text(b"<table><tr><td>", kind=_HTML),
    "open tags": text(b"<a <b <c ", kind=_HTML),
    "attributes": text(b' a="b"', kind=_HTML, first=b"<p "),
    "entities": text(b"&amp;&#x41;&nosuch;&", kind=_HTML),
    "comments in HTML": text(b"<!-- x -->", kind=_HTML),
    "open comment": text(b"<!-- x --", kind=_HTML),
    "closing tags": text(b"</p></div></b>", kind=_HTML),
    "styles": text(b"p.a, #b > c { color: #fff; font-size: 0 } ", kind=_HTML, first=b"<style>"),
    "styled tags": text(b'<p style="color:#fff;font-size:0px;display:none">x', kind=_HTML),
    "brackets in styles": text(b"{[(", kind=_HTML, first=b"<style>"),
    "data images": text(b'<img src="data:image/png;base64,AAAA">', kind=_HTML),
    "bases": text(b'<base href="http://a.test/"><a href="../x">x</a>', kind=_HTML),
    "links": links(html=False),
    "links in one line": links(html=False, per_line=1_000_000),
    "links in HTML": links(html=True),
    "one long link": text(b"a.", first=b"http://"),
    "escaped link": text(b"%2568", first=b"http://example.net/?u=http%3a%2f%2f"),
    "links in links": text(b"http://example.net/?"),
    "mail addresses": text(b"a.b@c.example.net "),
    "at signs": text(b"@"),
    "zip of many files": attached(b"x.zip", files.zip_of_many, b"application/zip"),
    "zip bomb": attached(b"x.zip", files.zip_bomb, b"application/zip"),
    "office document": attached(b"x.docx", files.zip_bomb),
    "PDF bomb": attached(b"x.pdf", files.document_bomb, b"application/pdf"),
    "PDF of objects": attached(b"x.pdf", files.document_of_objects, b"application/pdf"),
    "PDF of brackets": attached(b"x.pdf", files.document_of_brackets, b"application/pdf"),
    "noise": attached(b"x.bin", files.noise),
    "zeros": attached(b"x.bin", files.zeros),
    "noise called text": attached(b"x.txt", files.noise, b"text/plain"),
    "calendar": text(b"BEGIN:VEVENT\r\nSUMMARY:http://example.net\r\n", kind=b"text/calendar",
                     first=b"BEGIN:VCALENDAR\r\n"),
    "rich text": text(b"{\\rtf1{\\*\\x ", kind=b"text/rtf"),
    "uuencoded": text(b"M" + _HEX * 3 + b"\r\n", first=b"begin 644 x\r\n", encoding=b"x-uuencode"),
    "armour": text(b"-----BEGIN PGP MESSAGE-----\r\n"),
    "quotes of quotes": text(b">" * 70 + b"\r\n"),
}
