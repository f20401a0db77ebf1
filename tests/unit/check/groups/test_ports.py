"""Ports: what firewalls say (as nft printed them on trixie, ufw's among them), and whether mail gets out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smallmail.check.groups import ports as groups_ports
from smallmail.check.probes import firewall, outbound
from smallmail.check.probes.outbound import RIGHT, Greeting, Target
from smallmail.daemons import listening
from smallmail.findings import NOTE, PROBLEM, UNKNOWN

RULESETS = Path(__file__).parent / "firewalls"
ALL = [*(port.number for port in listening.PUBLIC), 80]


@pytest.mark.parametrize(("name", "expected"), [
    ("careful", [4190]),        # a policy, sets, ranges, and port 25 dropped on the way out only
    ("by-interface", []),       # lets all in on an interface: nothing can be said
    ("drops", [25, 465, 587]),  # and 993 for one address only
    ("ufw-mail", []),
    ("ufw-ssh", ALL),
])
def test_firewalls(name: str, expected: list[int]) -> None:
    assert firewall.closed((RULESETS / f"{name}.nft").read_text("utf-8"), ALL) == expected


def test_no_firewall() -> None:
    assert firewall.closed("", ALL) == []
    finding, = groups_ports.barred([25, 465])
    assert finding.what == "the firewall on this host does not let anyone in on port 25, 465"
    assert "ufw allow 25/tcp; ufw allow 465/tcp" in finding.advice
    assert list(groups_ports.barred([])) == []


def ask(name: str, kind: str) -> list[str]:
    known: dict[tuple[str, str], list[str]] = {
        ("a.example", "MX"): ["20 second.a.example.", "10 first.a.example."], ("b.example", "MX"): [],
        ("smarthost.example", "A"): ["192.0.2.1"]}
    return known.get((name, kind), [])


@pytest.mark.parametrize(("relayhost", "expected"), [
    ("", [("first.a.example", 25)]),
    ("[smarthost.example]:587", [("smarthost.example", 587)]),
    ("[smarthost.example]", [("smarthost.example", 25)]),
    ("a.example:2525", [("first.a.example", 2525)]),
    ("smarthost.example", [("smarthost.example", 25)]),
    ("[2001:db8::1]:26", [("2001:db8::1", 26)]),
])
def test_whom_to_try(relayhost: str, expected: list[tuple[str, int]]) -> None:
    assert list(outbound.targets(relayhost, ask, ["a.example", "b.example"])) == expected


REFUSED = Greeting(False, True, "says: 554-Go away")
SILENT = Greeting(False, False, "does not answer")
CLOSED = Greeting(False, False, "cannot be reached (Connection refused)")


@pytest.fixture
def server() -> Iterator[Callable[[bytes], int]]:
    """A server that says what it is told to everybody who connects."""
    opened = []

    def start(greeting: bytes) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)
                connection.recv(100)

        threading.Thread(target=serve, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for each in opened:
        each.close()


def test_greetings(server: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "_PATIENCE", 0.3)
    assert outbound.greeting("127.0.0.1", server(b"220 mx.example.net ESMTP\r\n")) == RIGHT
    assert outbound.greeting("127.0.0.1", server(b"554-Go away\r\n554 now\r\n")) == REFUSED
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert outbound.greeting("127.0.0.1", port) == SILENT
    assert outbound.greeting("127.0.0.1", port) == CLOSED


def test_the_first_that_answers_is_enough(server: Callable[[bytes], int]) -> None:
    port = server(b"220 hello\r\n")
    wanted = [Target("127.0.0.1", 1), Target("127.0.0.1", port), Target("never.example", 25)]
    assert outbound.tried(wanted, "A", ask) == {wanted[0]: CLOSED, wanted[1]: RIGHT}
    assert outbound.tried(wanted, "AAAA", ask) == {}


A, B = Target("mx.a.example", 25), Target("mx.b.example", 25)


@pytest.mark.parametrize(("said", "online", "expected"), [
    ({}, True, UNKNOWN),
    ({A: SILENT, B: RIGHT}, True, None),
    ({A: SILENT, B: SILENT}, True, PROBLEM),
    ({A: SILENT}, False, UNKNOWN),
    ({A: REFUSED, B: SILENT}, True, NOTE),   # so connections do get through
])
def test_blocked(said: dict[Target, Greeting], online: bool, expected: str | None) -> None:
    found = list(groups_ports.blocked("IPv4", said, online))
    assert [finding.severity for finding in found] == ([expected] if expected else [])


def test_without_a_way_by_ipv6_nothing_is_said_of_it() -> None:
    assert list(groups_ports.blocked("IPv6", {}, True)) == []


def test_a_relayhost() -> None:
    assert list(groups_ports.relay("[a]:587", [(A, SILENT), (A, RIGHT)])) == []     # one of its addresses does
    finding, = groups_ports.relay("[a]:587", [(A, CLOSED)])
    assert finding.what == "the relayhost [a]:587 does not accept connections"
    unknown, = groups_ports.relay("[a]:587", [])
    assert unknown.severity == UNKNOWN
