"""The corpus of odd letters: there are many, all are different, and they are the same each time."""

from __future__ import annotations

import re

from tests.corpus import letters

LETTERS = letters()
FORBIDDEN = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n")


def test_there_are_many() -> None:
    assert len(LETTERS) >= 400


def test_each_is_another() -> None:
    written = {letter.written("a@example.org", "b@example.net") for letter in LETTERS}
    counts = [len({letter.name for letter in LETTERS}), len({letter.odd for letter in LETTERS}), len(written)]
    assert counts == [len(LETTERS)] * 3


def test_they_are_the_same_each_time() -> None:
    assert letters() == LETTERS


def test_smtp_carries_them() -> None:
    for letter in LETTERS:
        assert not FORBIDDEN.search(letter.written("a@example.org", "b@example.net")), letter.name


def test_a_name_can_be_part_of_an_address() -> None:
    """Letters are known by their recipients where they arrive."""
    assert [letter.name for letter in LETTERS if not re.fullmatch(r"[a-z0-9_-]{1,50}", letter.name)] == []
