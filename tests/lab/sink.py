"""SMTP servers that keep every byte: each announces what it is told to, takes all mail, and judges nothing."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Sequence
from typing import NamedTuple

from .dns import Dns
from .network import Namespace, inside

ADDRESS = re.compile(rb"<([^>]*)>")


class Taken(NamedTuple):
    """A message as it came: dots are unstuffed, and nothing else is touched."""

    command: str  # all of MAIL, with what it says of the body
    recipients: list[str]
    message: bytes


class Peer(NamedTuple):
    """A mail domain, its server's address, and the keywords that the server announces (RFC 1869)."""

    domain: str
    address: str
    keywords: Sequence[str]


class _Conversation(socketserver.StreamRequestHandler):
    """One connection; stops at QUIT or at the end of the input."""

    server: _Server

    def handle(self) -> None:
        self._mail, self._recipients, self._chunks = b"", list[str](), b""
        self._say("220 sink ESMTP")
        while line := self.rfile.readline():
            verb = line.split()[0].upper().decode("ascii", "replace") if line.split() else ""
            if verb == "QUIT":
                self._say("221 bye")
                return
            self._answer(verb, line)

    def _answer(self, verb: str, line: bytes) -> None:
        answers = {"EHLO": self._ehlo, "MAIL": self._from, "RCPT": self._to, "DATA": self._data, "BDAT": self._bdat}
        if verb in answers:
            answers[verb](line)
        else:
            self._say("250 ok")

    def _say(self, *lines: str) -> None:
        last = len(lines) - 1
        self.wfile.write("".join(
            f"{line[:3]}{' ' if number == last else '-'}{line[4:]}\r\n" for number, line in enumerate(lines)).encode())

    def _ehlo(self, line: bytes) -> None:
        self._say("250 sink", *(f"250 {keyword}" for keyword in self.server.peer.keywords))

    def _from(self, line: bytes) -> None:
        self._mail, self._recipients, self._chunks = line, [], b""
        self._say("250 ok")

    def _to(self, line: bytes) -> None:
        if found := ADDRESS.search(line):
            self._recipients.append(found[1].decode("utf-8"))
        self._say("250 ok")

    def _data(self, line: bytes) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        self._keep(b"".join(lines))

    def _bdat(self, line: bytes) -> None:
        """A chunk of that many bytes (RFC 3030)."""
        words = line.split()
        self._chunks += self.rfile.read(int(words[1]))
        if words[-1].upper() == b"LAST":
            self._keep(self._chunks)
        else:
            self._say("250 ok")

    def _keep(self, message: bytes) -> None:
        taken = Taken(self._mail.decode("utf-8").rstrip(), self._recipients, message)
        self.server.taken.append(taken)
        self._say("250 kept")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100

    def __init__(self, peer: Peer) -> None:
        self.peer, self.taken = peer, list[Taken]()
        super().__init__((peer.address, 25), _Conversation)


class Sinks:
    """The servers of several domains, on one namespace; a `with` block ends in their removal."""

    def __init__(self, names: Dns, peers: Sequence[Peer]) -> None:
        self._namespace = Namespace("sinks", *(peer.address for peer in peers))
        with inside(self._namespace):
            self._servers = [_Server(peer) for peer in peers]
        for peer, server in zip(peers, self._servers, strict=True):
            names.set(peer.domain, f"@ MX 10 mx.{peer.domain}.\nmx A {peer.address}\n")
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def taken(self, domain: str) -> list[Taken]:
        """All that the domain's server has taken so far."""
        return next(list(server.taken) for server in self._servers if server.peer.domain == domain)

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._namespace.close()

    def __enter__(self) -> Sinks:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
