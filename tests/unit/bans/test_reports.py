"""Good logins on their way to the service of limits: nothing waits for it, and what is not a login is not read."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator

import pytest

from smallmail.bans import reports, serving
from smallmail.bans.reports import Login, Reports
from smallmail.machine import addresses, state, state_files
from smallmail.machine.host import Host

LOGIN = Login("anna@example.org", "203.0.113.9", "imap", 1_800_000_000.0)


@pytest.fixture
def host() -> Iterator[Host]:
    """A host with a short path: a socket's has 107 bytes (unix(7))."""
    with tempfile.TemporaryDirectory() as folder:
        made = Host(folder)
        state_files.make_folder(made, state.BANS)
        yield made


@pytest.fixture
def listener(host: Host) -> Iterator[socket.socket]:
    state_files.make_folder(host, state.LOGINS)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(host.path(state.LOGINS_SOCKET))
        made.settimeout(0)
        yield made


def came(listener: socket.socket) -> list[Login | None]:
    found = []
    while True:
        try:
            found.append(reports.read(listener.recv(reports.LONGEST)))
        except BlockingIOError:
            return found


def report(**values: object) -> dict[str, object]:
    return {"remote": LOGIN.address, "login": "Anna@Example.org ", "pwhash": "a11", "success": True,
            "protocol": "imap", **values}


def test_the_service_hears_of_good_logins(host: Host, listener: socket.socket) -> None:
    made = serving.Serving(host, 2)
    for protocol in ("imap", "smtp"):
        made.answer("report", report(protocol=protocol))
    made.answer("report", report(success=False, remote="203.0.113.10"))
    made.answer("allow", report(remote="203.0.113.11"))
    made.look(LOGIN.at)
    found = came(listener)
    assert [login and login._replace(at=LOGIN.at) for login in found] == [LOGIN]


def test_programs_of_this_host_are_not_told(host: Host, listener: socket.socket,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_here", lambda address: address in ("127.0.0.1", "::1", "192.0.2.1"))
    made = serving.Serving(host, 2)
    for remote in ("127.0.0.1", "::1", "192.0.2.1", "::ffff:192.0.2.1", "", "x", "unix:/run/x"):
        made.answer("report", report(remote=remote))
    made.look(LOGIN.at)
    assert came(listener) == []


def test_nothing_waits_for_a_service_that_is_away(host: Host) -> None:
    sender = Reports(host.path(state.LOGINS_SOCKET))
    for number in range(3000):
        sender.add(LOGIN._replace(login=f"{number}@example.org"))
    sender.send()
    state_files.make_folder(host, state.LOGINS)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(host.path(state.LOGINS_SOCKET))
        listener.settimeout(0)
        found: list[Login | None] = []
        for _ in range(1000):   # it does not take all at once
            sender.send()
            found += came(listener)
    assert [login and login.login for login in found] == [f"{number}@example.org" for number in range(2000, 3000)]


def test_a_name_that_does_not_fit_is_left_out(host: Host, listener: socket.socket) -> None:
    sender = Reports(host.path(state.LOGINS_SOCKET))
    sender.add(LOGIN._replace(login="x" * 60000))
    sender.add(LOGIN._replace(login="\ud800" * 100))
    sender.add(LOGIN)
    sender.send()
    assert came(listener)[-1] == LOGIN


@pytest.mark.parametrize("datagram", [
    b"", b"{}", b"[]", b"5", b"\xff", b"[" * 2000, json.dumps({**LOGIN._asdict(), "more": 1}).encode(),
    json.dumps({**LOGIN._asdict(), "login": 5}).encode(), json.dumps({**LOGIN._asdict(), "at": "now"}).encode(),
    json.dumps({**LOGIN._asdict(), "at": float("nan")}).encode(),
    json.dumps({**LOGIN._asdict(), "address": "nowhere"}).encode()], ids=lambda datagram: str(datagram[:40]))
def test_what_is_not_a_login_is_not_read(datagram: bytes) -> None:
    assert reports.read(datagram) is None


def test_a_login_is_read_back() -> None:
    assert reports.read(reports.written(LOGIN)) == LOGIN


def test_an_address_is_nothing_but_an_address() -> None:
    for address in ("203.0.113.9%\nSomebody", "::ffff:203.0.113.9", "::ffff:203.0.113.9%x"):
        assert reports.read(reports.written(LOGIN._replace(address=address))) == LOGIN
