"""Which message is refused, until when: windows, clocks, a newsletter and a wave. Pure."""

from __future__ import annotations

import pytest

from smallmail.limits.counting import DAY, HOUR, Limits, Reached, Sent, reached

NOW = 1_800_000_000.0
NONE = Limits(0, 0, 0, 0, 0)
USUAL = Limits(400, 1000, 400, 1000, 100)


def ago(seconds: float, recipients: int = 1, is_new: bool = False) -> Sent:
    return Sent(NOW - seconds, recipients, is_new)


def accepted(messages: int, each: int, apart: float, new_until: float | None = None, limits: Limits = USUAL) -> int:
    """How many recipients get mail, of messages that are sent one after the other."""
    before: list[Sent] = []
    for number in range(messages):
        at = NOW + number * apart
        if reached(limits, before, at, each, new_until) is None:
            before.append(Sent(at, each, new_until is not None and new_until > at))
    return sum(sent.recipients for sent in before)


def test_without_limits_everything_passes() -> None:
    assert reached(NONE, [ago(1, 100_000)] * 1000, NOW, 100_000, NOW + DAY) is None


@pytest.mark.parametrize(("messages", "each", "apart"), [(1, 300, 0), (3, 100, 1), (300, 1, 0.2)])
def test_a_newsletter_from_a_known_network_passes(messages: int, each: int, apart: float) -> None:
    assert accepted(messages, each, apart) == 300


@pytest.mark.parametrize(("messages", "each"), [(840, 1), (84, 10), (9, 90)])
def test_a_wave_is_stopped(messages: int, each: int) -> None:
    """840 recipients in minutes, as it was measured: from the owner's own network and from elsewhere."""
    assert 300 < accepted(messages, each, 0.2) <= 400
    assert 90 <= accepted(messages, each, 0.2, NOW + DAY) <= 100


def test_a_trickle_is_stopped_at_the_limit_of_the_day() -> None:
    assert accepted(5000, 1, 15) <= 1000


def test_the_answer_has_the_time_when_the_message_passes() -> None:
    limits, before = NONE._replace(messages_hour=3), [ago(3000), ago(2000), ago(1000)]
    found = reached(limits, before, NOW, 1)
    assert found == Reached("messages_hour", 3, 3, NOW - 3000 + HOUR)
    assert found.until is not None
    assert reached(limits, before, found.until, 1) is None
    assert reached(limits, before, found.until - 1, 1) is not None


def test_a_message_to_many_waits_until_enough_of_the_others_are_old() -> None:
    limits, before = NONE._replace(recipients_day=100), [ago(3000, 50), ago(2000, 30), ago(1000, 20)]
    assert reached(limits, before, NOW, 60) == Reached("recipients_day", 100, 100, NOW - 2000 + DAY)


def test_a_message_to_more_than_the_limit_never_passes() -> None:
    assert reached(USUAL, [], NOW, 401) == Reached("recipients_hour", 400, 0, None)
    assert reached(USUAL, [], NOW, 400) is None


def test_of_several_limits_the_longest_is_told() -> None:
    limits = NONE._replace(messages_hour=1, messages_day=1)
    found = reached(limits, [ago(10)], NOW, 1)
    assert found
    assert found.name == "messages_day"


def test_what_is_as_old_as_the_window_does_not_count() -> None:
    limits = NONE._replace(messages_hour=1)
    assert reached(limits, [ago(HOUR)], NOW, 1) is None
    assert reached(limits, [ago(HOUR - 1)], NOW, 1) is not None


def test_a_clock_that_was_wrong_does_not_lock_out_for_long() -> None:
    """Times in the future are left over from a clock that was set back."""
    found = reached(NONE._replace(messages_hour=1), [ago(-10 * 365 * DAY)], NOW, 1)
    assert found == Reached("messages_hour", 1, 1, NOW + HOUR)


def test_a_new_network_counts_for_itself_and_all_new_ones_together() -> None:
    limits = NONE._replace(new_network=100)
    before = [ago(100, 300), ago(50, 60, is_new=True), ago(40, 40, is_new=True)]
    assert reached(limits, before, NOW, 1) is None
    assert reached(limits, before, NOW, 1, NOW + DAY) == Reached("new_network", 100, 100, NOW - 50 + DAY)
    assert reached(limits, before, NOW, 1, NOW + 60) == Reached("new_network", 100, 100, NOW + 60)


def test_a_newsletter_from_a_new_network_passes_when_the_network_is_known() -> None:
    assert reached(USUAL, [], NOW, 300, NOW + 500) == Reached("new_network", 100, 0, NOW + 500)
    assert reached(USUAL, [], NOW + 500, 300, None) is None
