"""What Postfix is answered, and what is told to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.limits import policy
from smallmail.limits.configured import Configured
from smallmail.limits.counting import DAY, Limits
from smallmail.limits.memory import Memory
from smallmail.limits.policy import Answer
from smallmail.machine.host import Host

BEGUN, ANNA = 1_800_000_000.0, "anna@example.org"   # 2027-01-15 08:00 UTC
NOW = BEGUN + 2 * DAY
CONFIGURED = Configured(Limits(0, 0, 10, 0, 0), "postmaster@example.org", "mx.example.org", "", True)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    made = Memory(Host(str(tmp_path)), "sent.db", BEGUN)
    yield made
    made.close()


def asked(memory: Memory, recipients: int, now: float = NOW, configured: Configured = CONFIGURED,
          **given: str) -> Answer:
    question = {"request": "smtpd_access_policy", "sasl_username": ANNA, "client_address": "198.51.100.7",
                "recipient_count": str(recipients), "policy_context": "submission", **given}
    text = "".join(f"{name}={value}\n" for name, value in question.items())
    return policy.answer(policy.parse(text), configured, lambda _, usual: usual, memory, now)


def test_the_answer_says_which_limit_and_until_when(memory: Memory) -> None:
    assert asked(memory, 6).action == "DUNNO"
    assert asked(memory, 4).action == "DUNNO"
    assert asked(memory, 1).action == (
        "450 4.7.1 anna@example.org has reached the limit of 10 recipients an hour: it can send this message after"
        " 2027-01-17 09:01 UTC. postmaster@example.org can change the limit")
    assert asked(memory, 1, NOW + 3600).action == "DUNNO"


def test_what_is_refused_does_not_count(memory: Memory) -> None:
    for _ in range(5):
        assert asked(memory, 8).action.startswith(("DUNNO", "450"))
    assert asked(memory, 2).action == "DUNNO"


def test_a_message_that_can_never_be_sent_is_refused_for_good(memory: Memory) -> None:
    assert asked(memory, 11).action == (
        "550 5.7.1 This message has 11 recipients, and anna@example.org may send to 10 in an hour: send it in parts, or"
        " ask postmaster@example.org")


def test_the_postmaster_is_told_once(memory: Memory) -> None:
    asked(memory, 10)
    letters = [letter for _ in range(5) for letter in asked(memory, 1).letters]
    assert [letter.to for letter in letters] == ["postmaster@example.org"]
    assert letters[0].subject == "mx.example.org: anna@example.org has reached its sending limit"
    assert letters[0].is_alarm
    for line in ("  smallmail user disable anna@example.org", "  smallmail queue drop --from anna@example.org",
                 "  198.51.100.7 (10 recipients)", "  smallmail user limit anna@example.org recipients-hour=NUMBER"):
        assert line in letters[0].text.splitlines()
    assert max(map(len, letters[0].text.splitlines())) <= 80


def test_the_owner_is_told_of_a_new_network_if_that_is_set(memory: Memory) -> None:
    asked(memory, 1, BEGUN)     # on the first day it learns
    assert asked(memory, 1).letters == []
    told = asked(memory, 1, client_address="203.0.113.9").letters
    assert [(letter.to, letter.subject, letter.is_alarm) for letter in told] == [
        (ANNA, "New login from 203.0.113.9", False)]
    assert asked(memory, 1, client_address="203.0.113.8").letters == [], "the same network"
    quiet = CONFIGURED._replace(login_notice=False)
    assert asked(memory, 1, configured=quiet, client_address="192.0.2.1").letters == []


def test_what_a_sieve_script_sends_counts_for_its_mailbox(memory: Memory) -> None:
    for _ in range(10):
        asked(memory, 1, sasl_username="", sender="anna+forwarded@example.org", policy_context="sieve")
    assert asked(memory, 1).action.startswith("450")


@pytest.mark.parametrize("given", [
    {"sasl_username": ""},
    {"sasl_username": "", "policy_context": "sieve", "sender": ""},
    {"recipient_count": "0"},
    {"recipient_count": "x"},
    {"recipient_count": ""},
])  # fmt: skip
def test_what_cannot_be_counted_passes(memory: Memory, given: dict[str, str]) -> None:
    assert asked(memory, 99, **given) == Answer("DUNNO", [])


def test_garbage_is_read_as_nothing() -> None:
    assert policy.parse("\0\xff\nno equals\n=x\na=b=c\n") == {"": "x", "a": "b=c"}
