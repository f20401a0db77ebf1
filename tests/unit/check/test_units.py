"""Figures as people read them."""

from __future__ import annotations

import pytest

from smallmail.check import units


@pytest.mark.parametrize(("count", "words"), [
    (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (4 << 20, "4 MiB"), (4508877, "4.3 MiB"),
    (69668 << 20, "68 GiB"), (258019 << 20, "252 GiB"), (5 << 50, "5120 TiB")])
def test_size(count: int, words: str) -> None:
    assert units.size(count) == words


def test_number() -> None:
    assert [units.number(count, "alias", "aliases") for count in (0, 1, 4)] == ["0 aliases", "1 alias", "4 aliases"]


def test_several_things() -> None:
    assert [units.listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b",
                                                                                           "a, b and c"]


@pytest.mark.parametrize(("seconds", "words"), [
    (5.0, "a moment"), (60.0, "1 minute"), (7300.0, "2 hours"), (86400.0, "1 day"), (14400.0, "4 hours")])
def test_duration(seconds: float, words: str) -> None:
    assert units.duration(seconds) == words
