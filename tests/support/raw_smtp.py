"""SMTP as smtplib does not speak it: letters in pieces, letters that break off, bytes that are not allowed."""

from __future__ import annotations

import smtplib

from tests.support.corpus_mail import wait_sent
from tests.support.imap import fetch
from tests.support.mail_host import MailHost

FOLDERS = ("INBOX", "Junk")


def begin(connection: smtplib.SMTP, sender: str, *recipients: str) -> smtplib.SMTP:
    """Begin a transaction; all of it must be accepted. Returns the connection."""
    assert connection.mail(sender)[0] == 250
    for recipient in recipients:
        assert connection.rcpt(recipient)[0] == 250, recipient
    return connection


def push(connection: smtplib.SMTP, data: bytes, size: int = 0) -> None:
    """Send bytes as they are, so many at a time; all at once if `size` is 0."""
    assert connection.sock
    for at in range(0, len(data), size or len(data)):
        connection.sock.sendall(data[at:at + (size or len(data))])


def reply(connection: smtplib.SMTP) -> tuple[int, str]:
    code, text = connection.getreply()
    return code, text.decode("ascii")


def send(connection: smtplib.SMTP, letter: bytes, size: int = 0) -> tuple[int, str]:
    """Send a letter by DATA as it is, so many bytes at a time; its dots are the caller's. Returns the reply."""
    assert connection.docmd("DATA")[0] == 354
    push(connection, letter + b".\r\n", size)
    return reply(connection)


def send_chunks(connection: smtplib.SMTP, letter: bytes, size: int) -> tuple[int, str]:
    """Send a letter by BDAT (RFC 3030), in chunks of so many bytes and an empty last one. Returns the last reply."""
    for at in range(0, len(letter), size):
        chunk = letter[at:at + size]
        push(connection, b"BDAT %d\r\n" % len(chunk) + chunk)
        assert reply(connection)[0] == 250
    push(connection, b"BDAT 0 LAST\r\n")
    return reply(connection)


def kept(host: MailHost, user: str, start: str, folders: tuple[str, ...] = FOLDERS) -> dict[str, list[str]]:
    """Wait until the queue is empty. Returns where the letters are whose subject begins so: folders by subject."""
    found: dict[str, list[str]] = {}
    for folder, subject, _ in letters_of(host, user, folders):
        if subject.startswith(start):
            found.setdefault(subject.removeprefix(start), []).append(folder)
    return found


def letters_of(host: MailHost, user: str, folders: tuple[str, ...] = FOLDERS) -> list[tuple[str, str, bytes]]:
    """Wait until the queue is empty. Returns folder, subject and bytes of all letters."""
    wait_sent(host)
    connection = host.imap(user)
    found = [(folder, _subject(raw), raw) for folder in folders for raw in fetch(connection, folder, "(BODY.PEEK[])")]
    connection.logout()
    return found


def _subject(raw: bytes) -> str:
    return (b"\n" + raw).partition(b"\nSubject: ")[2].partition(b"\r\n")[0].decode("utf-8", "replace")
