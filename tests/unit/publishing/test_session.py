"""Sending an update, as far as it needs no name server."""

from __future__ import annotations

import pytest

from smallmail.errors import Problem
from smallmail.publishing import session


def test_a_race_is_given_up_after_three_tries() -> None:
    tried = []
    with pytest.raises(Problem, match="someone else keeps changing the same records: try again later"):
        for number in session.tries():
            tried.append(number)
    assert tried == [1, 2, 3]


def test_a_try_that_nobody_outran_is_the_last() -> None:
    for number in session.tries():
        if number == 2:
            break
    assert number == 2
