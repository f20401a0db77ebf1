"""What the daemon remembers over a restart, and what it makes of odd values."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smallmail.bans import book, clients, orders, serving
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from tests.unit.bans.conftest import BAN, NOW


def test_what_a_restart_leaves(host: Host) -> None:
    first = serving.Serving(host, 2)
    wrong = {"remote": BAN.client, "success": False, "policy_reject": False}
    first.answer("report", {"remote": "198.51.100.7", "login": "Alice@example.org", "pwhash": "a11", "success": True})
    for number in range(10):
        first.answer("report", {**wrong, "login": f"name{number}", "pwhash": "1", "fail_type": "internal"})
    assert not first.judge.bans
    for number in range(10):
        first.answer("report", {**wrong, "login": f"name{number}", "pwhash": "1"})
    first.look(time.time())
    assert book.known(host) == ["198.51.100.7"]
    first.save(time.time())
    second = serving.Serving(host, 2)
    guess = {"remote": BAN.client, "login": "x", "pwhash": "1"}
    assert second.answer("allow", guess) == -1
    assert second.answer("allow", {**guess, "remote": "198.51.100.8"}) == 0
    assert list(second.judge.households) == ["198.51.100.7"]
    assert second.answer("allow", {**guess, "remote": "192.0.2.1", "login": "alice@example.org", "pwhash": "a11"}) == 0
    orders.lift(host, clients.network("203.0.113.0/24"), time.time() + 1)
    second.look(time.time())
    assert second.answer("allow", guess) == 0
    assert book.load(host) == {}
    orders.add(host, clients.network("203.0.113.0/24"), time.time())
    second.look(time.time())
    assert second.answer("allow", guess) == -1
    state_files.write(host, state.BANS_NEVER, "203.0.113.66\n")
    second.look(time.time())
    assert second.answer("allow", guess) == 0
    assert second.answer("allow", {**guess, "remote": "203.0.113.67"}) == -1


@pytest.mark.parametrize("lost", ["", "{", "[]", '{"households": 5}',
                                  '{"households": {"x": {"y": "z"}}, "passwords": {}}',
                                  '{"households": {}, "passwords": []}', "[" * 100000])
def test_a_damaged_file_is_a_new_beginning(host: Host, lost: str) -> None:
    for path in (state.BANS_LIST, state.BANS_LOGINS):
        Path(host.path(path)).write_text(lost)
    made = serving.Serving(host, 2)
    made.look(NOW)
    made.save(NOW)
    assert made.answer("allow", {"remote": "192.0.2.1", "login": "x", "pwhash": "1"}) == 0


@pytest.mark.parametrize("values", [{}, {"remote": 5, "login": [], "pwhash": None}, {"remote": "x" * 60000},
                                    {"remote": "192.0.2.1", "login": "\ud800" * 20000, "pwhash": "\0"},
                                    {"success": "true", "policy_reject": 0, "fail_type": {}}])
def test_odd_values_pass(host: Host, values: dict[str, object]) -> None:
    made = serving.Serving(host, 2)
    for _ in range(12):
        assert made.answer("allow", values) in (0, -1, 1, 2, 3)
        assert made.answer("report", values) == 0
    assert made.answer("unknown", values) == 0
    assert not made.judge.bans


def test_loopback_and_the_own_addresses_are_exempt(host: Host) -> None:
    made = serving.Serving(host, 2)
    for remote in ("127.0.0.1", "::1", "127.8.9.1", "::ffff:127.0.0.1"):
        for number in range(30):
            made.answer("report", {"remote": remote, "login": f"name{number}", "pwhash": "1"})
    assert not made.judge.bans


def test_a_change_is_written_twice(host: Host) -> None:
    """Systemd misses a change in the moment when what it started for the last one ends."""
    served, path = serving.Serving(host, 2), Path(host.path(state.BANS_LIST))
    served.judge.bans[BAN.client] = BAN._replace(since=NOW, until=NOW + 3600)
    served._is_changed = True
    written = []
    for now in range(NOW, NOW + 20):
        path.unlink(missing_ok=True)
        served.look(now)
        written += [now - NOW] * path.exists()
    assert written == [0, 4]
