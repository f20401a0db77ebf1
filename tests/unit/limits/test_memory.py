"""What is remembered: over a restart, with a damaged file, with clocks that jump."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.limits.counting import DAY, Sent
from smallmail.limits.memory import Memory, Seen
from smallmail.machine.host import Host

NOW, ANNA, BOB = 1_800_000_000.0, "anna@example.org", "bob@example.org"
LATER = NOW + 2 * DAY   # when it does not learn any more
HOME, ELSEWHERE = "198.51.0.0/16", "203.0.0.0/16"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    made = Memory(Host(str(tmp_path)), "sent.db", NOW)
    yield made
    made.close()


def test_a_restart_forgets_nothing(memory: Memory, tmp_path: Path) -> None:
    memory.add(ANNA, Sent(NOW, 5, False), "198.51.100.7")
    memory.seen(ANNA, HOME, NOW)
    assert memory.must_tell(ANNA, "messages_hour", NOW)
    again = Memory(Host(str(tmp_path)), "sent.db", LATER)
    assert again.sent(ANNA, NOW + 1) == [Sent(NOW, 5, False)]
    assert again.sent(BOB, NOW + 1) == []
    assert again.seen(ANNA, HOME, LATER) == Seen(False, None)
    assert not again.must_tell(ANNA, "messages_hour", NOW + 1)
    again.close()


def test_what_is_older_than_a_day_is_forgotten(memory: Memory) -> None:
    memory.add(ANNA, Sent(NOW, 5, False), "")
    assert memory.sent(ANNA, NOW + DAY) == []
    memory.add(ANNA, Sent(NOW + DAY, 1, False), "")
    assert memory._db.execute("SELECT count(*) FROM sent").fetchone() == (1,)


def test_a_clock_that_is_set_back_counts_as_now(memory: Memory) -> None:
    memory.add(ANNA, Sent(NOW + 1000 * DAY, 5, False), "")
    assert memory.sent(ANNA, NOW) == [Sent(NOW, 5, False)]
    assert memory.sent(ANNA, NOW + DAY) == []


def test_a_clock_that_jumps_ahead_forgets(memory: Memory) -> None:
    memory.add(ANNA, Sent(NOW, 5, False), "")
    assert memory.sent(ANNA, NOW + 1000 * DAY) == []


def test_a_network_is_new_for_a_day(memory: Memory) -> None:
    assert memory.seen(ANNA, HOME, LATER) == Seen(True, LATER + DAY)
    assert memory.seen(ANNA, HOME, LATER + 10) == Seen(False, LATER + DAY)
    assert memory.seen(ANNA, HOME, LATER + DAY) == Seen(False, None)
    assert memory.seen(ANNA, ELSEWHERE, LATER + DAY).is_first
    assert memory.seen(BOB, HOME, LATER + DAY).is_first


def test_a_network_that_was_not_used_for_months_is_new_again(memory: Memory) -> None:
    memory.seen(ANNA, HOME, LATER)
    assert memory.seen(ANNA, HOME, LATER + 100 * DAY) == Seen(True, LATER + 101 * DAY)


def test_on_the_first_day_all_networks_are_known(memory: Memory) -> None:
    """Else each newsletter on the day of an upgrade would be refused."""
    assert memory.seen(ANNA, HOME, NOW + 60) == Seen(False, None)
    assert memory.seen(ANNA, HOME, LATER) == Seen(False, None)


def test_a_clock_that_was_ahead_at_the_beginning_does_not_learn_for_ever(tmp_path: Path) -> None:
    memory = Memory(Host(str(tmp_path)), "sent.db", NOW + 1000 * DAY)
    memory.seen(ANNA, HOME, NOW)
    assert memory.seen(ANNA, HOME, LATER).new_until is None
    assert memory.seen(ANNA, ELSEWHERE, LATER + DAY).is_first
    memory.close()


def test_the_postmaster_hears_once_a_day_of_a_login_and_a_limit(memory: Memory) -> None:
    assert [memory.must_tell(ANNA, "messages_hour", NOW + at) for at in (0, 1, DAY - 1, DAY)] == [
        True, False, False, True]  # fmt: skip
    assert memory.must_tell(ANNA, "messages_day", NOW)
    assert memory.must_tell(BOB, "messages_hour", NOW)
    assert memory.must_tell(ANNA, "messages_hour", NOW - 1000 * DAY), "the clock was wrong"


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 500, None])
def test_a_damaged_file_begins_anew(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "sent.db"
    memory = Memory(Host(str(tmp_path)), path.name, NOW)
    for _ in range(500):
        memory.add(ANNA, Sent(NOW, 1, False), "198.51.100.7")
    memory.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + b"\xff" * (len(whole) - 5000) if damage is None else damage)
    again = Memory(Host(str(tmp_path)), path.name, NOW)
    again.add(ANNA, Sent(NOW, 1, False), "")
    assert again.sent(ANNA, NOW) == [Sent(NOW, 1, False)]
    again.close()


def test_the_addresses_with_most_recipients_come_first(memory: Memory) -> None:
    for address, recipients in (("198.51.100.7", 3), ("203.0.113.9", 5), ("198.51.100.7", 4)):
        memory.add(ANNA, Sent(NOW, recipients, False), address)
    assert memory.addresses(ANNA, NOW) == ["198.51.100.7 (7 recipients)", "203.0.113.9 (5 recipients)"]
