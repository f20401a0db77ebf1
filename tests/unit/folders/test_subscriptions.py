"""The list of subscriptions in both layouts."""

from __future__ import annotations

import pytest

from smallmail.folders import subscriptions

FLAT = b"V\t2\n\nWork\nWork\t2024\n100%\na\t~x\nEntw&APw-rfe\n"
TREE = b"V\t2\n\nWork\nWork\t2024\n100%25\na\t%7ex\nEntw&APw-rfe\n"


def test_names_are_written_as_on_the_disk() -> None:
    assert subscriptions.to_tree(FLAT) == TREE
    assert subscriptions.to_flat(TREE) == FLAT


def test_the_list_of_another_program_is_understood() -> None:
    assert subscriptions.to_tree(b"Work.2024\nINBOX\n\nA..B") == b"V\t2\n\nWork\t2024\nINBOX\nA\t%2e\tB\n"


@pytest.mark.parametrize("text", [b"", b"V\t2\n\n"])
def test_an_empty_list_stays_empty(text: bytes) -> None:
    assert subscriptions.to_tree(text) == subscriptions.to_flat(text) == b"V\t2\n\n"


def test_what_does_not_fit_into_maildir_plus_plus_stays_readable() -> None:
    assert subscriptions.to_flat(b"V\t2\n\nDr. Jones\t%7ex\n") == b"V\t2\n\nDr%2e Jones\t~x\n"


def test_more_folders_are_added_once() -> None:
    assert subscriptions.with_more(TREE, [[b"Work"], [b"Restored", b"INBOX"]]) == TREE + b"Restored\tINBOX\n"
