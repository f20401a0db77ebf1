"""Messages of all kinds, and the parsing of what has arrived."""

from __future__ import annotations

import email
import email.policy
import email.utils
import uuid
from collections.abc import Mapping
from email.message import EmailMessage
from typing import cast

_WORDS = ("meeting budget garden window printer invoice holiday recipe bicycle library concert ticket engine harbour "
          "mountain pencil candle orchard bridge teacher").split()


def plain(sender: str, recipient: str, subject: str, body: str = "", headers: Mapping[str, str] | None = None) -> bytes:
    """Write an ordinary letter. Each has another text: Rspamd recognises by it what it has greylisted."""
    body = body or f"Good day, and {uuid.uuid4()}.\r\n"
    lines = {"From": sender, "To": recipient, "Subject": subject, "Date": email.utils.formatdate(),
             "Message-ID": email.utils.make_msgid(domain=sender.rpartition("@")[2]), "MIME-Version": "1.0",
             "Content-Type": "text/plain; charset=utf-8", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return (head + "\r\n" + body).encode("utf-8")


def long(sender: str, recipient: str, subject: str, about: str = "") -> bytes:
    """Write a letter with enough words for a statistical filter to learn from; `about` changes them all."""
    words = [word + about.replace(" ", "") for word in _WORDS]
    body = "\r\n".join(" ".join(words[(row * 7 + column) % len(words)] for column in range(10)) for row in range(20))
    return plain(sender, recipient, subject, body + "\r\n")


def gtube(sender: str, recipient: str) -> bytes:
    """Write what every spam filter refuses (https://spamassassin.apache.org/gtube/)."""
    return plain(sender, recipient, "gtube",
                 "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")


def spam(sender: str, recipient: str, subject: str) -> bytes:
    """Write what Rspamd marks as spam and does not refuse (its "gtube_patterns")."""
    return plain(sender, recipient, subject,
                 "YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")


def big(sender: str, recipient: str, size: int) -> bytes:
    """Write a letter of about that many bytes."""
    return plain(sender, recipient, "big", "\r\n".join(["x" * 70] * (size // 72)) + "\r\n")


def parsed(raw: bytes) -> EmailMessage:
    """Parse a message."""
    return cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))
