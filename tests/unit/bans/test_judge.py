"""Who is let in, slowed and banned: hours of tries in no time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest

from smallmail.bans import book, judge
from smallmail.bans.judge import DAY, PASS, REFUSE, SLOWEST, TRIES, Judge, Try
from smallmail.bans.lane import Lane

START = 1_700_000_000.0
HOME, STRANGER = "198.51.100.7", "203.0.113.66"
ALICE, BOB = "alice@example.org", "bob@example.org"
RIGHT = {ALICE: "a11", BOB: "b0b"}


class Hours:
    """A judge, a clock, and Dovecot: what is let through is looked at, and reported."""

    def __init__(self, exempt: Iterable[str] = ()) -> None:
        self.judge, self.now, self.hashed = Judge(set(exempt).__contains__), START, 0

    def log_in(self, remote: str, login: str, fingerprint: str) -> str:
        """Try once, and let the time pass that it takes."""
        tried = Try(remote, login, fingerprint)
        answer = self.judge.allow(tried, self.now)
        if answer == REFUSE:
            self.judge.report(tried, False, False, self.now)
            self.now += 2
            return "refused"
        assert 0 <= answer <= SLOWEST, "Postfix would not wait"
        self.now += answer + 0.5
        self.hashed += 1
        good = RIGHT.get(login) == fingerprint
        self.judge.report(tried, good, not good, self.now)
        self.now += 0 if good else 2
        return "in" if good else "wrong"

    def is_banned(self, remote: str) -> bool:
        return self.judge.is_banned(judge.clients.client(remote), self.now)


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.mark.parametrize("guess", [
    lambda number: (ALICE, f"{number:03x}"), lambda number: (f"name{number}", "123"),
    lambda number: (f"name{number % 3}", f"{number:03x}"),
], ids=["many passwords", "many names", "both"])  # fmt: skip
def test_a_guesser_is_out_after_ten_tries(hours: Hours, guess: Callable[[int], tuple[str, str]]) -> None:
    said = [hours.log_in(STRANGER, *guess(number)) for number in range(30)]
    assert said == ["wrong"] * TRIES + ["refused"] * 20
    assert hours.is_banned(STRANGER)
    assert hours.log_in(STRANGER, ALICE, RIGHT[ALICE]) == "refused", "it has guessed right at last"


def test_who_tries_ten_at_once_has_had_the_ten(hours: Hours) -> None:
    tries = [Try(STRANGER, ALICE, f"{number:03x}") for number in range(100)]
    passed = [tried for tried in tries if hours.judge.allow(tried, START) != REFUSE]
    assert len(passed) == TRIES
    led = []
    for tried in passed:
        hours.judge.report(tried, False, True, START + 3)
        led.append(hours.judge.is_banned(STRANGER, START + 3))
    assert led == [False] * (TRIES - 1) + [True]


def test_a_forgotten_phone_is_not_banned_and_costs_little(hours: Hours) -> None:
    for _ in range(2000):
        assert hours.log_in(HOME, ALICE, "0ld") in ("wrong", "refused")
    assert not hours.is_banned(HOME)
    assert hours.hashed <= (hours.now - START) / 30 + 1
    assert hours.log_in(HOME, ALICE, RIGHT[ALICE]) == "in"


def test_several_phones_with_old_passwords_are_a_household(hours: Hours) -> None:
    for _ in range(500):
        for number in range(4):
            hours.log_in(HOME, f"child{number}@example.org", "0ld")
            hours.log_in(HOME, f"child{number}", "0ld")
    assert not hours.is_banned(HOME)


def test_a_good_login_makes_a_household(hours: Hours) -> None:
    """Malware on one computer guesses for hours; all others of the house read their mail at once."""
    assert hours.log_in(HOME, ALICE, RIGHT[ALICE]) == "in"
    hours.log_in(STRANGER, BOB, RIGHT[BOB])
    before = hours.hashed
    for number in range(2000):
        hours.log_in(HOME, f"name{number}", "123")
    assert hours.hashed - before <= TRIES + (hours.now - START) / 30 + 1
    assert not hours.is_banned(HOME)
    for login in (ALICE, BOB):
        before = hours.now
        assert hours.log_in(HOME, login, RIGHT[login]) == "in"
        assert hours.now - before < 1, "nobody waits who has the password"


def test_a_household_where_one_name_is_guessed(hours: Hours) -> None:
    for login in (ALICE, BOB):
        hours.log_in(HOME, login, RIGHT[login])
    before, begun = hours.hashed, hours.now
    for number in range(1000):
        hours.log_in(HOME, BOB, f"{number:03x}x")
    assert hours.hashed - before <= TRIES + (hours.now - begun) / 30 + 1
    before = hours.hashed
    assert hours.log_in(HOME, ALICE, "typo") == "wrong", "alice is not slowed"
    assert hours.log_in(HOME, ALICE, RIGHT[ALICE]) == "in"
    assert hours.log_in(HOME, BOB, RIGHT[BOB]) == "in"
    assert not hours.is_banned(HOME)


def test_an_office_behind_one_address_logs_in_all_day(hours: Hours) -> None:
    chance = random.Random(1)
    RIGHT.update({f"worker{number}": f"{number:03x}" for number in range(60)})
    waits = []
    for _ in range(5000):
        login = f"worker{chance.randrange(60)}"
        before = hours.now
        right = chance.random() < 0.9
        said = hours.log_in(HOME, login, RIGHT[login] if right else f"slip{chance.randrange(3)}")
        if right:
            assert said == "in"
            waits.append(hours.now - before)
    assert max(waits[500:]) <= 1, "once each has logged in"
    assert max(waits) <= SLOWEST + 1
    assert not hours.is_banned(HOME)


def test_a_new_office_is_not_banned_because_a_storm_refused_it(hours: Hours) -> None:
    """Nobody has logged in from there yet; one of them types a wrong password, and strangers take all there is."""
    hours.log_in(HOME, ALICE, "typo")
    for number in range(500):
        hours.judge.report(Try(f"203.0.113.{number % 200}", "x", str(number)), False, True, hours.now)
        hours.judge.allow(Try(f"203.0.113.{number % 200}", "y", str(number)), hours.now)
    answers = [hours.judge.allow(Try(HOME, f"worker{number}", f"{number:03x}"), hours.now) for number in range(40)]
    assert answers.count(REFUSE) > TRIES, "they come in a crowd"
    assert not hours.is_banned(HOME)


def test_a_household_is_one_for_thirty_days(hours: Hours) -> None:
    hours.log_in(HOME, ALICE, RIGHT[ALICE])
    hours.now += 29 * DAY
    hours.judge.forget(hours.now)
    assert [hours.log_in(HOME, "x", str(number)) for number in range(12)].count("wrong") >= TRIES
    assert not hours.is_banned(HOME)
    hours.now += 2 * DAY
    hours.judge.forget(hours.now)
    for number in range(12):
        hours.log_in(HOME, "x", str(number))
    assert hours.is_banned(HOME)


@pytest.mark.parametrize(("first", "second", "same"), [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True), ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ("::ffff:203.0.113.66", "203.0.113.66", True), ("fe80::1%eth0", "fe80::2", True),
    ("203.0.113.66", "203.0.113.67", False),
])  # fmt: skip
def test_who_is_one_client(hours: Hours, first: str, second: str, same: bool) -> None:
    for number in range(TRIES):
        hours.log_in(first, ALICE, str(number))
    assert hours.is_banned(second) == same


def test_nobody_is_banned_from_the_own_networks() -> None:
    hours = Hours(exempt=["127.0.0.1"])
    said = [hours.log_in("127.0.0.1", ALICE, str(number)) for number in range(100)]
    assert not hours.is_banned("127.0.0.1")
    assert said.count("refused") > 80, "webmail: the guessed name is slowed"
    assert hours.log_in("127.0.0.1", BOB, "typo") == "wrong", "and no other one"
    assert hours.log_in("127.0.0.1", BOB, RIGHT[BOB]) == "in"


@pytest.mark.parametrize("remote", ["", "0", "x" * 5000, "203.0.113.66.5", "\0", "::1::", "203.0.113.66/8"])
def test_without_an_address_logins_go_on(hours: Hours, remote: str) -> None:
    assert [hours.log_in(remote, ALICE, str(number)) for number in range(20)] == ["wrong"] * 20
    assert hours.judge.bans == {}


def test_a_fault_of_ours_is_no_wrong_password(hours: Hours) -> None:
    for number in range(100):
        tried = Try(STRANGER, ALICE, str(number))
        hours.judge.report(tried, False, False, hours.now)
    assert not hours.is_banned(STRANGER)


def test_bans_get_longer_and_end(hours: Hours) -> None:
    lengths = []
    for _ in range(5):
        number = 0
        while not hours.is_banned(STRANGER):
            hours.log_in(STRANGER, ALICE, str(number))
            number += 1
        ban = hours.judge.bans[STRANGER]
        lengths.append((ban.until - ban.since) // 3600)
        hours.now = ban.until + 1
        hours.judge.forget(hours.now)
        assert not hours.is_banned(STRANGER)
    assert lengths == [1, 4, 16, 48, 48]
    hours.now += 31 * DAY
    hours.judge.forget(hours.now)
    assert hours.judge.bans == {}


@pytest.mark.parametrize("jump", [-10 * 365 * DAY, -DAY, -3600, 3600, 10 * 365 * DAY])
def test_a_clock_that_jumps_shuts_out_nobody_for_long(hours: Hours, jump: float) -> None:
    hours.log_in(HOME, ALICE, RIGHT[ALICE])
    for number in range(TRIES):
        hours.log_in(STRANGER, ALICE, str(number))
    hours.now += jump
    hours.judge.forget(hours.now)
    assert hours.log_in(HOME, ALICE, RIGHT[ALICE]) == "in"
    assert hours.log_in(HOME, BOB, "x") == "wrong"
    hours.now += 50 * 3600
    assert not hours.is_banned(STRANGER)


def test_an_owner_is_served_in_a_storm(hours: Hours) -> None:
    """30 addresses, 3 guessers each, all at the same moment, again and again: each gets ten hashes, no more."""
    hours.log_in(HOME, ALICE, RIGHT[ALICE])
    passed, elsewhere = 0, 0
    for second in range(600):
        now = START + 100 + second
        waiting = []
        for address in range(30):
            for guesser in range(3):
                tried = Try(f"203.0.113.{address}", ALICE, f"{second:03x}{guesser}")
                if hours.judge.allow(tried, now) != REFUSE:
                    waiting.append(tried)
        for where in (HOME, f"198.51.{second // 200}.{second % 200}"):
            assert hours.judge.allow(Try(where, ALICE, RIGHT[ALICE]), now) == PASS
        elsewhere = max(elsewhere, hours.judge.allow(Try(f"192.0.2.{second % 250}", "new@example.org", "1"), now))
        passed += len(waiting)
        for tried in waiting:
            hours.judge.report(tried, False, True, now + 0.9)
        if second == 20:
            assert len(hours.judge.bans) == 30, "all guessers are out"
    assert passed <= 30 * TRIES
    assert elsewhere <= SLOWEST
    assert len(hours.judge.bans) == 30


def test_memory_has_an_end(hours: Hours) -> None:
    for number in range(judge._CLIENTS + 500):
        hours.judge.report(Try(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "x" * 100000, "1"), False, True,
                           START)
    assert len(hours.judge._clients) <= judge._CLIENTS
    for number in range(300):
        hours.judge.report(Try(HOME, f"name{number}", "1"), True, False, START + number)
        hours.judge.report(Try(HOME, f"name{number}", f"{number}"), False, True, START + number)
    assert len(hours.judge.households[HOME]) <= judge._NAMES_OF_ONE
    assert len(hours.judge._clients[HOME].wrong) <= 4 * TRIES
    hours.judge.forget(START + 2 * DAY)
    assert not hours.judge._clients


def test_names_of_strangers_are_harmless_on_a_terminal(hours: Hours) -> None:
    for number in range(TRIES):
        hours.log_in(STRANGER, f"\x1b[2J{number}\nü" + "x" * 500, "1")
    (ban,) = hours.judge.bans.values()
    assert len(ban.names) == 3
    assert all(name.isascii() and name.isprintable() and len(name) <= 64 for name in ban.names)
    assert book.in_force([ban], hours.now) == [ban]


def test_a_lane_spaces_out() -> None:
    lane = Lane(2)
    assert [lane.wait(100) for _ in range(8)] == [0, 0, 0, 0, 1, 1, 2, 2]
    assert lane.wait(100, 1) == -1
    assert lane.wait(200) == 0
    assert lane.wait(50) == 0, "the clock was set back"
