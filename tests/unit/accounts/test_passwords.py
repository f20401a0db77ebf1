"""Secrets that are typed, on a real terminal; and those that are generated."""

from __future__ import annotations

import os
import pty
import re
import sys

import pytest

from smallmail.accounts import passwords

ASK = "from smallmail.accounts import passwords; print('taken: ' + passwords.typed('Password: '))"


def at_a_terminal(*lines: str) -> str:
    """What the terminal shows after these lines were typed, each at its prompt."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    said = b""
    for prompt, line in zip((b"Password: ", b"Repeat password: "), lines, strict=True):
        while prompt not in said:
            said += os.read(terminal, 1000)
        os.write(terminal, line.encode() + b"\n")
    try:
        while more := os.read(terminal, 1000):
            said += more
    except OSError:     # the other side has ended
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    return said.decode()


def test_what_is_typed_twice_is_taken_and_not_shown_before() -> None:
    said = at_a_terminal("open sesame", "open sesame")
    assert said.count("open sesame") == 1 and "taken: open sesame" in said


def test_two_that_differ_are_refused() -> None:
    said = at_a_terminal("open sesame", "open barley")
    # A traceback has the line of the program, too, from Python 3.13 on.
    assert "do not match: nothing was changed" in said and "taken: open" not in said


@pytest.mark.parametrize("typed", ["", "x"])
def test_an_empty_or_short_one_is_the_callers_to_judge(typed: str) -> None:
    assert f"taken: {typed}" in at_a_terminal(typed, typed)


def test_a_generated_one_has_120_bits_and_no_letters_that_look_alike() -> None:
    made = {passwords.generated() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch("[a-z2-7]{24}", each) for each in made)
