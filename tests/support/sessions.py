"""Sessions with a host that are in the middle of something, and go on with it later.

Each has `finish`, which goes on to the end: it fails if the session was cut.
"""

from __future__ import annotations

import base64
import os
import re
import smtplib
import socket
import ssl
from typing import BinaryIO

from tests.lab.network import inside
from tests.support import letters
from tests.support.imap import done
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost

_LINES = 300000  # of the letter that is downloaded: more than sockets and Dovecot buffer


def any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Idle:
    """A mail program that waits for new mail (RFC 2177)."""

    def __init__(self, host: MailHost) -> None:
        self._connection = host.imap()
        done(self._connection.select("INBOX"))
        self._connection.send(b"i1 IDLE\r\n")
        assert self._connection.readline().startswith(b"+")

    def finish(self) -> None:
        self._connection.send(b"DONE\r\n")
        while not (line := self._connection.readline()).startswith(b"i1 "):
            assert line.startswith(b"* ") and not line.startswith(b"* BYE"), line
        done(self._connection.noop())
        self._connection.logout()


class Download:
    """A mail program that reads a large letter, and has read the beginning of it."""

    def __init__(self, host: MailHost) -> None:
        self._connection = host.imap()
        done(self._connection.append("Drafts", "", "", b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * _LINES))
        done(self._connection.select("Drafts"))
        number = self._connection.search(None, "SUBJECT", "large")[1][0].split()[-1]
        self._connection.send(b"f1 FETCH %s BODY.PEEK[]\r\n" % number)
        size = re.search(rb"\{(\d+)\}", self._connection.readline())
        assert size
        self._left = int(size[1]) - len(self._connection.read(100000))

    def finish(self) -> None:
        while self._left:
            self._left -= len(part := self._connection.read(min(self._left, 100000)))
            assert part, f"{self._left} bytes are missing"
        while not (line := self._connection.readline()).startswith(b"f1 OK"):
            assert line
        done(self._connection.store("1:*", "+FLAGS", r"(\Deleted)"))
        done(self._connection.expunge())
        self._connection.logout()


class Sending:
    """A mail program or another server in the middle of DATA."""

    def __init__(self, connection: smtplib.SMTP, subject: str) -> None:
        self._connection = connection
        for command in ("MAIL FROM:<%s>" % (ALICE if connection.esmtp_features.get("auth") else BOB),
                        f"RCPT TO:<{ALICE}>", "DATA"):
            code, said = self._connection.docmd(command)
            assert code in (250, 354), said
        self._connection.send(letters.plain(ALICE, ALICE, subject))

    def finish(self) -> None:
        self._connection.send(b"the end\r\n.\r\n")
        code, said = self._connection.getreply()
        assert code == 250, said
        self._connection.quit()


class _Lines:
    """A protocol of lines, each answer of which ends with a line of a known beginning."""

    def __init__(self, connection: socket.socket, ends: re.Pattern[bytes]) -> None:
        self.connection, self._ends = connection, ends
        self._file: BinaryIO = connection.makefile("rb")

    def ask(self, words: str) -> bytes:
        self.connection.sendall(words.encode() + b"\r\n")
        return self.answer()

    def answer(self) -> bytes:
        while line := self._file.readline():
            if self._ends.match(line):
                return line
        raise EOFError("the session was cut")


class Filters:
    """A mail program that edits filters (ManageSieve, RFC 5804)."""

    def __init__(self, host: MailHost) -> None:
        ends = re.compile(rb"(OK|NO|BYE)\b")
        with inside(host.world.client.namespace):
            plain = socket.create_connection((host.server.address, 4190), 30)
        first = _Lines(plain, ends)
        first.answer()
        first.ask("STARTTLS")
        self._lines = _Lines(any_certificate().wrap_socket(plain), ends)
        self._lines.answer()
        login = base64.b64encode(f"\0{ALICE}\0{PASSWORD}".encode()).decode()
        said = self._lines.ask(f'AUTHENTICATE "PLAIN" "{login}"')
        assert said.startswith(b"OK"), said

    def finish(self) -> None:
        assert self._lines.ask("LISTSCRIPTS").startswith(b"OK")
        self._lines.ask("LOGOUT")


class Delivery:
    """Postfix in the middle of a delivery to Dovecot (LMTP)."""

    def __init__(self, host: MailHost) -> None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        folder = os.open(host.machine.path / "var/spool/postfix/private", os.O_PATH)
        connection.connect(f"/proc/self/fd/{folder}/dovecot-lmtp")  # a socket's path has at most 107 bytes
        os.close(folder)
        self._lines = _Lines(connection, re.compile(rb"\d+ "))
        self._lines.answer()
        for words in (f"LHLO {host.name}", f"MAIL FROM:<{BOB}>", f"RCPT TO:<{ALICE}>", "DATA"):
            assert self._lines.ask(words)[:1] in b"23", words
        connection.sendall(letters.plain(BOB, ALICE, "by LMTP"))

    def finish(self) -> None:
        assert self._lines.ask("the end\r\n.").startswith(b"250"), "the letter was not taken"
        self._lines.ask("QUIT")


def several(host: MailHost) -> dict[str, Idle | Download | Sending | Filters | Delivery]:
    """One session of each kind, by what it does."""
    return {
        "IDLE": Idle(host), "FETCH": Download(host), "ManageSieve": Filters(host), "LMTP": Delivery(host),
        **{f"DATA on {port}": Sending(host.submission(port), f"by {port}") for port in (465, 587)},
        "DATA on 25": Sending(host.world.foreign.smtp(host.server), "by 25"),
    }  # fmt: skip
