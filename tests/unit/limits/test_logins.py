"""Who is told of which logins: each network once, nothing on the first day, few letters in a storm."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.accounts.database import Accounts
from smallmail.bans import reports
from smallmail.bans.reports import Login, Reports
from smallmail.limits import alarms, configured, hearing, logins
from smallmail.limits.configured import Configured
from smallmail.limits.counting import DAY, HOUR, Limits
from smallmail.limits.memory import Memory
from smallmail.limits.service import Answers
from smallmail.limits.told import Letter
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

BEGUN, ANNA = 1_800_000_000.0, "anna@example.org"   # 2027-01-15 08:00 UTC
NOW = BEGUN + 2 * DAY
CONFIGURED = Configured(Limits(0, 0, 0, 0, 0), "postmaster@example.org", "mx.example.org", "", True)
HOME, AWAY = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """A memory that knows where Anna is at home."""
    made = Memory(Host(str(tmp_path)), "sent.db", BEGUN)
    assert seen(made, HOME, BEGUN) == []
    yield made
    made.close()


def seen(memory: Memory, address: str, now: float = NOW, protocol: str = "imap", login: str = ANNA,
         is_on: bool = True) -> list[Letter]:
    return logins.letters(CONFIGURED._replace(login_notice=is_on), memory, Login(login, address, protocol, now), now)


def networks(count: int) -> list[str]:
    return [f"10.{number}.0.1" for number in range(count)]


def test_the_letter_says_when_how_whence_and_what_to_do(memory: Memory) -> None:
    letter, = seen(memory, AWAY)
    assert (letter.to, letter.subject, letter.is_alarm) == (ANNA, "New login from 203.0.113.9", False)
    for line in ("  2027-01-17 08:00 UTC  203.0.113.9, to read mail (IMAP)",
                 "     smallmail user disable anna@example.org", "     smallmail user passwd anna@example.org"):
        assert line in letter.text.splitlines()
    assert "postmaster@example.org" in letter.text
    assert max(map(len, letter.text.splitlines())) <= 80


@pytest.mark.parametrize("first", ["imap", "pop3", "smtp", "sieve", "odd"])
def test_a_network_is_told_once_whichever_protocol_comes_first(memory: Memory, first: str) -> None:
    assert len(seen(memory, AWAY, protocol=first)) == 1
    for protocol in ("imap", "pop3", "smtp", "sieve"):
        for later in (1, DAY, 30 * DAY):
            assert seen(memory, "203.0.7.7", NOW + later, protocol) == []


def test_what_was_used_before_it_is_switched_on_is_known(memory: Memory) -> None:
    assert seen(memory, AWAY, is_on=False) == []
    assert seen(memory, AWAY, NOW + DAY) == []
    assert logins.late(CONFIGURED, memory, NOW + 2 * DAY) == []


def test_the_first_day_of_a_mailbox_tells_nothing(memory: Memory) -> None:
    new = "new@example.org"
    for number, address in enumerate(networks(5)):
        assert seen(memory, address, NOW + number * HOUR, login=new) == []
    assert len(seen(memory, AWAY, NOW + DAY, login=new)) == 1


def test_a_mailbox_that_was_not_used_for_months_is_told(memory: Memory) -> None:
    assert len(seen(memory, AWAY, NOW + 300 * DAY)) == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "", "x"])
def test_this_host_is_not_told(memory: Memory, address: str) -> None:
    assert seen(memory, address) == []


def test_a_storm_causes_few_letters(memory: Memory) -> None:
    """A new network every ten minutes of ten days."""
    letters: list[Letter] = []
    for number in range(10 * 144):
        now = NOW + 600.0 * number
        letters += seen(memory, f"{number >> 8 | 16}.{number & 255}.0.1", now)
        letters += logins.late(CONFIGURED, memory, now)
    assert len(letters) == 60
    assert all(letter.to == ANNA and len(letter.text) < 4096 for letter in letters)
    assert [letter.subject for letter in letters[:2]] == ["New login from 16.0.0.1", "New logins from 6 networks"]
    assert any("\n  and from 94 more networks\n" in letter.text for letter in letters)
    assert memory._db.execute("SELECT count(*) FROM login_network").fetchone() == (1000,)


def test_a_storm_does_not_fill_the_disk(memory: Memory) -> None:
    for number in range(1200):
        memory.keep_untold(Login(ANNA, f"10.0.0.{number}", "imap", NOW))
    assert len(memory.take_untold(ANNA, NOW)) == 1000


def test_the_next_networks_are_told_together_an_hour_later(memory: Memory) -> None:
    assert len(seen(memory, AWAY)) == 1
    for address in networks(3):
        assert seen(memory, address, NOW + 60) == []
    assert logins.late(CONFIGURED, memory, NOW + HOUR - 1) == []
    letter, = logins.late(CONFIGURED, memory, NOW + HOUR)
    assert letter.subject == "New logins from 3 networks"
    assert all(f"{address}, to read mail (IMAP)" in letter.text for address in networks(3))
    assert logins.late(CONFIGURED, memory, NOW + 2 * HOUR) == []


def test_what_waits_is_not_told_once_the_setting_is_off(memory: Memory) -> None:
    seen(memory, AWAY)
    seen(memory, networks(1)[0])
    assert logins.late(CONFIGURED._replace(login_notice=False), memory, NOW + HOUR) == []
    assert logins.late(CONFIGURED, memory, NOW + 2 * HOUR) == []


def test_a_clock_that_was_ahead_delays_no_letter_for_long(memory: Memory) -> None:
    assert len(seen(memory, AWAY, NOW + 1000 * DAY)) == 1
    seen(memory, networks(1)[0])
    assert len(logins.late(CONFIGURED, memory, NOW + HOUR)) == 1


def test_a_restart_forgets_nothing(memory: Memory, tmp_path: Path) -> None:
    seen(memory, AWAY)
    seen(memory, networks(1)[0])
    memory.close()
    again = Memory(Host(str(tmp_path)), "sent.db", NOW)
    assert seen(again, AWAY) == []
    assert len(logins.late(CONFIGURED, again, NOW + HOUR)) == 1
    memory._db = again._db


def test_notices_leave_room_for_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "_MANY", 8)
    host = Host(str(tmp_path))
    (tmp_path / state.ALARMS).mkdir(parents=True)
    for is_alarm in (False, True):
        for _ in range(20):
            alarms.put(host, Letter(ANNA, "x", "x", is_alarm))
    assert len(host.names(state.ALARMS)) == 8
    kept = [(tmp_path / state.ALARMS / name).read_text() for name in host.names(state.ALARMS)]
    assert sum('"is_alarm": false' in text for text in kept) == 4


@pytest.fixture
def host() -> Iterator[Host]:
    """A host with a short path: a socket's has 107 bytes (unix(7))."""
    with tempfile.TemporaryDirectory() as folder:
        yield installed(Host(folder))


def installed(made: Host) -> Host:
    settings = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": ANNA, "login-notice": "yes"})
    list(configured.prepare(made, settings))
    accounts = Accounts(made.path(state.ACCOUNTS), made.path(state.PASSWORDS))
    accounts.add_domain("example.org", ANNA)
    accounts.add_mailbox(ANNA, "x")
    accounts.close()
    return made


@pytest.fixture
def answers(host: Host) -> Answers:
    return Answers(host, Memory(host, state.LIMITS_MEMORY, time.time() - 2 * DAY))


def told(host: Host) -> list[str]:
    return [alarms._load(host, name)["to"] for name in alarms._names(host)]


def test_only_mailboxes_get_letters(host: Host, answers: Answers) -> None:
    """Whatever a daemon of bans says that a stranger has taken over."""
    for login in ("\ud800@example.org", ANNA, "victim@example.net", "", "x\nBcc: y@example.net"):
        with contextlib.suppress(UnicodeEncodeError):
            answers._memory.is_new_network(login, "198.51.0.0/16", time.time() - 2 * DAY)
        answers.hear(reports.written(Login(login, AWAY, "imap", time.time())))
    answers.hear(b"\0" * 2000)
    assert told(host) == [ANNA]


def test_a_fault_stops_nothing(host: Host, answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    answers._memory._db.execute("DROP TABLE login_network")
    answers.hear(reports.written(Login(ANNA, AWAY, "imap", time.time())))
    assert "begins to count anew: no such table" in capsys.readouterr().err
    answers.hear(reports.written(Login(ANNA, AWAY, "imap", time.time())))
    answers.remind()


def test_it_hears_on_a_socket(host: Host, answers: Answers) -> None:
    answers._memory.is_new_network(ANNA, "198.51.0.0/16", time.time() - 2 * DAY)
    loop = asyncio.new_event_loop()
    hearing.begin(host, answers, loop)
    socket_mode = os.stat(host.path(state.LOGINS_SOCKET)).st_mode
    assert stat.S_ISSOCK(socket_mode) and stat.S_IMODE(socket_mode) == 0o666
    assert stat.S_IMODE(os.stat(host.path(state.LOGINS)).st_mode) == 0o710
    sender = Reports(host.path(state.LOGINS_SOCKET))
    sender.add(Login(ANNA, AWAY, "imap", time.time()))
    sender.send()
    loop.call_later(0.2, loop.stop)
    loop.run_forever()
    loop.close()
    assert told(host) == [ANNA]


def test_without_its_folder_limits_hold_all_the_same(host: Host, answers: Answers,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    host.remove_folder(state.LOGINS)
    loop = asyncio.new_event_loop()
    hearing.begin(host, answers, loop)
    loop.close()
    assert "does not hear of logins" in capsys.readouterr().err
