"""Attackers beside a host under test, and how long a clean client waits meanwhile."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.lab import Namespace, inside
from tests.support.mail_host import MailHost

SOURCE = Path(__file__).parent.parent.parent
PORTS = (25, 465, 587, 993, 4190)
ADDRESSES = tuple(f"203.0.113.{number}" for number in range(101, 111))
_GREETINGS = {25: b"220", 465: b"220", 587: b"220", 993: b"* OK", 4190: b'"IMPLEMENTATION"'}


@contextlib.contextmanager
def attack(namespace: Namespace, program: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program of tests/attacks in a namespace, until the end of the block at the latest."""
    command = [sys.executable, "-B", "-m", f"tests.attacks.{program}", *words]
    process = subprocess.Popen(namespace.enter(command), cwd=SOURCE, stdout=subprocess.PIPE, encoding="ascii")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def sources(addresses: Sequence[str]) -> list[str]:
    """The addresses from which an attack comes, as the programs of tests/attacks read them."""
    return [word for address in addresses for word in ("--from", address)]


@contextlib.contextmanager
def flood(host: MailHost, each: int, addresses: Sequence[str] = ADDRESSES,
          ports: Sequence[int] = PORTS) -> Iterator[None]:
    """Have the attackers in a namespace of their own attack the host in the block."""
    with contextlib.closing(Namespace("attackers", *addresses)) as namespace, \
            attack(namespace, "connections", "--each", str(each), *sources(addresses), host.server.address,
                   *map(str, ports)) as process:
        yield
        assert process.poll() is None, "the attack ended by itself"


def seconds_to_greeting(host: MailHost, port: int, patience: float = 60) -> float:
    """Connect as a clean client. Returns how long the greeting takes; `patience` if there is none."""
    started = time.monotonic()
    with contextlib.suppress(OSError):
        with inside(host.world.client.namespace):
            connection = socket.create_connection((host.server.address, port), patience)
        with contextlib.closing(connection):
            if port in (465, 993):
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                connection = context.wrap_socket(connection)
            if connection.recv(1000).startswith(_GREETINGS[port]):
                return time.monotonic() - started
    return max(patience, time.monotonic() - started)


def longest_waits(host: MailHost, seconds: float) -> dict[int, float]:
    """Connect to each port again and again for so long. Returns the longest wait at each."""
    until, waits = time.monotonic() + seconds, dict.fromkeys(PORTS, 0.0)
    while time.monotonic() < until:
        for port in PORTS:
            waits[port] = max(waits[port], seconds_to_greeting(host, port, 30))
    return waits
