"""Submission servers of a provider: they ask for a password, and their certificates are right or wrong."""

from __future__ import annotations

import base64
import socketserver
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .dns import Dns
from .network import Namespace, inside

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc"


class Provider(NamedTuple):
    """A submission server: its name in DNS, its address, and what is to know of its certificate."""

    name: str
    address: str
    certified: str = ""  # the name in the certificate; empty: without TLS
    days: int = 30  # of the certificate's life; below zero: it has expired
    trusted: bool = True  # whether the authority of Authority.certificate issued it


class Authority:
    """A certificate authority, and another one that nobody trusts."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="smallmail-authority-")
        self._path = Path(self._folder.name)
        for name in ("trusted", "unknown"):
            self._run(f"openssl req -x509 {_KEY} -subj '/CN={name}' -days 30 -keyout {name}.key -out {name}.pem")

    @property
    def certificate(self) -> bytes:
        return (self._path / "trusted.pem").read_bytes()

    def context(self, provider: Provider) -> ssl.SSLContext:
        """Issue a provider's certificate, and return what serves it."""
        issuer = "trusted" if provider.trusted else "unknown"
        self._run(f"""
            openssl req {_KEY} -subj /CN=server -addext subjectAltName=DNS:{provider.certified} \
                -keyout server.key -out csr
            openssl x509 -req -in csr -CA {issuer}.pem -CAkey {issuer}.key -copy_extensions copyall \
                -days {provider.days} -out server.pem""")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path / "server.pem", self._path / "server.key")
        return context

    def _run(self, commands: str) -> None:
        subprocess.run(["sh", "-ec", commands], cwd=self._path, check=True, capture_output=True)

    def close(self) -> None:
        self._folder.cleanup()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None, seen: list[str]) -> None:
        self.context, self.seen = context, seen
        super().__init__(address, _Conversation)


class _Conversation(socketserver.BaseRequestHandler):
    """One connection. Whatever is said outside of a message is noted."""

    server: _Server

    def handle(self) -> None:
        try:
            secure = self.server.server_address[1] == 465
            if secure:
                self._secure()
            self._file = self.request.makefile("rwb")
            self._say("220 provider ESMTP")
            while line := self._file.readline().decode("utf-8").strip():
                self.server.seen.append(line)
                if line.upper() == "STARTTLS":
                    self._say("220 go on")
                    self._secure()
                    self._file, secure = self.request.makefile("rwb"), True
                else:
                    self._answer(line, secure)
        except OSError:
            self.server.seen.append("hung up")

    def _secure(self) -> None:
        assert self.server.context
        self.request = self.server.context.wrap_socket(self.request, server_side=True)

    def _answer(self, line: str, secure: bool) -> None:
        verb = line.split(maxsplit=1)[0].upper()
        if verb == "EHLO":
            offered = ["250-STARTTLS"] if self.server.context and not secure else []
            self._say("250-provider", *offered, "250 AUTH PLAIN")
        elif verb == "AUTH":
            self.server.seen.append(base64.b64decode(line.rsplit(maxsplit=1)[-1]).decode("utf-8"))
            self._say("235 ok")
        elif verb == "DATA":
            self._say("354 go on")
            while self._file.readline() not in (b".\r\n", b""):
                pass
            self._say("250 kept")
        else:
            self._say("221 bye" if verb == "QUIT" else "250 ok")

    def _say(self, *lines: str) -> None:
        self._file.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))
        self._file.flush()


class Providers:
    """Servers on port 587, and on 465 if they have a certificate; a `with` block ends in their removal."""

    def __init__(self, names: Dns, zone: str, providers: Sequence[Provider]) -> None:
        """The names of the providers must be in that zone."""
        self.authority = Authority()
        self._namespace = Namespace("providers", *(provider.address for provider in providers))
        self._seen: dict[str, list[str]] = {provider.name: [] for provider in providers}
        self._servers = []
        with inside(self._namespace):
            for provider in providers:
                context = self.authority.context(provider) if provider.certified else None
                for port in (587, 465) if context else (587,):
                    self._servers.append(_Server((provider.address, port), context, self._seen[provider.name]))
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        names.set(zone, "".join(f"{provider.name}. A {provider.address}\n" for provider in providers))

    def seen(self, name: str) -> list[str]:
        """All commands and passwords that a provider has got so far."""
        return list(self._seen[name])

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._namespace.close()
        self.authority.close()

    def __enter__(self) -> Providers:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
