"""A machine that gets its certificate from the world's certificate authority, and what it serves to clients."""

from __future__ import annotations

import contextlib
import json
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.lab import World, inside, packages, roots
from tests.lab.acme import URL, Acme
from tests.support import rfc2136
from tests.support.mail_host import PASSWORD

NAME, ADDRESS = "cert.example.com", "203.0.113.44"
ANSWERS = {"hostname": NAME, "domain": "example.com", "address": "alice@example.com", "password": PASSWORD,
           "password-again": PASSWORD, "certificate": "letsencrypt", "acme-email": "", "resolver": "system"}
PORTS = (25, 465, 993)
ATTEMPTS = "grep -h 'certbot version' /var/log/letsencrypt/*.log* 2>/dev/null | wc -l"


class CertificateHost:
    """A machine that gets its certificate from the world's authority, installed before its name is in DNS."""

    def __init__(self, suite: str, deb: Path, world: World, authority: Acme,
                 layers: Sequence[Path] | None = None) -> None:
        """The layers have the package in them already, by these ANSWERS."""
        self.world, self.suite = world, suite
        world.dns.empty()
        world.dns.remove_reverse(ADDRESS)
        with contextlib.ExitStack() as made:
            self.machine = made.enter_context(world.machine(layers or roots.warm(suite, deb), NAME, ADDRESS))
            self.machine.write("/usr/local/share/ca-certificates/lab.crt", authority.trusted)
            if not layers:
                packages.offer(self.machine, deb)
                packages.preseed(self.machine, deb, ANSWERS)
                self.said = packages.install(self.machine, "smallmail-server")
            self.machine.run("update-ca-certificates")
            for port in PORTS:
                self.machine.wait_port(port)
            self.machine.run("smallmail set acme-server=" + URL)
            made.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.machine.close()

    def run_timer(self) -> None:
        """Run what the timer starts every few minutes."""
        self.machine.run("systemctl start smallmail-certificate.service")

    def publish(self) -> None:
        self.world.dns.set("example.com", self.machine.run("smallmail dns show").stdout)

    def allow_updates(self) -> None:
        """Let the machine change DNS by dynamic update."""
        name, _, secret = self.world.dns.key
        self.machine.write("/etc/smallmail/rfc2136.ini", rfc2136.section(secret, key=f"{name}."), 0o600)

    def status(self) -> tuple[dict[str, Any], int]:
        """Return what `smallmail certificate status --json` prints, and its exit code."""
        done = self.machine.run("smallmail certificate status --json", check=False)
        return json.loads(done.stdout), done.returncode

    def served(self) -> set[bytes]:
        """Return the certificates that a client gets, as a set: one if all ports serve the same."""
        with inside(self.world.client.namespace):
            return {_shown(port) for port in PORTS}

    def attempts(self) -> int:
        return int(self.machine.run(ATTEMPTS).stdout)

    def pids(self) -> str:
        return self.machine.run("cat /run/dovecot/master.pid /var/spool/postfix/pid/master.pid").stdout


def _shown(port: int) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if port == 25:
        with smtplib.SMTP(ADDRESS, 25, local_hostname="client.example.net", timeout=30) as connection:
            connection.starttls(context=context)
            return _peer_certificate(connection.sock)
    with socket.create_connection((ADDRESS, port), 30) as plain, \
            context.wrap_socket(plain, server_hostname=NAME) as connection:
        return _peer_certificate(connection)


def _peer_certificate(connection: object) -> bytes:
    assert isinstance(connection, ssl.SSLSocket), connection
    certificate = connection.getpeercert(True)
    assert certificate
    return certificate


def openssl_x509(der: bytes, *options: str) -> str:
    """Return what openssl(1) prints of a certificate."""
    return subprocess.run(["openssl", "x509", "-noout", "-inform", "DER", *options], input=der, capture_output=True,
                          check=True).stdout.decode()
