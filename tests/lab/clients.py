"""Clients on the lab's network: they connect to an address, and check certificates for the host's name."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

from .network import Namespace, inside

TIMEOUT = 60.0


class Server(NamedTuple):
    """A host as a client knows it."""

    name: str
    address: str


class Reply(NamedTuple):
    """How an SMTP conversation ended: at which command, and what the server said to it."""

    command: str
    code: int
    text: str


class _Imap(imaplib.IMAP4_SSL):
    def __init__(self, server: Server, port: int, context: ssl.SSLContext) -> None:
        self._server, self._context = server, context
        super().__init__(server.address, port, ssl_context=context, timeout=TIMEOUT)

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), timeout)
        return self._context.wrap_socket(plain, server_hostname=self._server.name)


class _SmtpOverTls(smtplib.SMTP):
    """As SMTP_SSL (RFC 8314, port 465), which would check the certificate against the address."""

    def __init__(self, server: Server, port: int, context: ssl.SSLContext, own_name: str) -> None:
        self._context, self._server_name = context, server.name
        super().__init__(server.address, port, local_hostname=own_name, timeout=TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        plain = socket.create_connection((host, port), timeout)
        return self._context.wrap_socket(plain, server_hostname=self._server_name)


class Client:
    """Mail programs and other servers speak from here."""

    def __init__(self, namespace: Namespace, name: str) -> None:
        self.namespace, self.name = namespace, name

    def imap(self, server: Server, user: str, password: str, *, trust: str | None = None,
             port: int = 993) -> imaplib.IMAP4_SSL:
        """A connection that is logged in. `trust` is a certificate (PEM); with none, no name is checked."""
        with inside(self.namespace):
            connection = _Imap(server, port, _context(trust))
        connection.login(user, password)
        return connection

    def smtp(self, server: Server, port: int = 25) -> smtplib.SMTP:
        """A connection that has said EHLO; starttls(), login() and so on are the caller's."""
        with inside(self.namespace):
            connection = smtplib.SMTP(server.address, port, local_hostname=self.name, timeout=TIMEOUT)
        connection._host = server.name  # type: ignore[attr-defined]  # whose certificate starttls() wants
        connection.ehlo()
        return connection

    def submission(self, server: Server, user: str, password: str, *, trust: str | None = None,
                   port: int = 465) -> smtplib.SMTP:
        """A connection that is logged in: TLS at once on 465, by STARTTLS elsewhere."""
        if port == 465:
            with inside(self.namespace):
                connection: smtplib.SMTP = _SmtpOverTls(server, port, _context(trust), self.name)
        else:
            connection = self.smtp(server, port)
            connection.starttls(context=_context(trust))
        connection.login(user, password)
        return connection

    def send(self, server: Server, sender: str, recipient: str, message: bytes, *, tls: bool = True) -> Reply:
        """Send one message to a server's port 25, and tell how it went."""
        connection = self.smtp(server)
        try:
            if tls and connection.has_extn("starttls"):
                connection.starttls(context=_context(None))
                connection.ehlo()
            return converse(connection, sender, recipient, message)
        finally:
            connection.close()


def converse(connection: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> Reply:
    """MAIL, RCPT, DATA, on a connection that stands; ends at the first refusal."""
    steps: tuple[tuple[str, Callable[[], tuple[int, bytes]]], ...] = (
        ("MAIL", lambda: connection.mail(sender)), ("RCPT", lambda: connection.rcpt(recipient)),
        ("DATA", lambda: _data(connection, message)))
    for command, step in steps:
        code, text = step()
        reply = Reply(command, code, text.decode(errors="replace"))
        if code >= 400:
            connection.docmd("RSET")
            break
    return reply


def _data(connection: smtplib.SMTP, message: bytes) -> tuple[int, bytes]:
    """smtplib raises on a refusal of DATA itself, and returns one of what came after it."""
    try:
        return connection.data(message)
    except smtplib.SMTPDataError as refused:
        error = refused.smtp_error
        return refused.smtp_code, error if isinstance(error, bytes) else error.encode()


def _context(trust: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=trust)
    if trust is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
