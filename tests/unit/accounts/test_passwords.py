"""Secrets that are typed, on a real terminal."""
import os
import pty
import sys

import pytest

ASK = "from smallmail.accounts import passwords; print('taken: ' + passwords.typed('Password: '))"


def at_a_terminal(*lines):
    """What stands on the terminal after these lines were typed, each at its prompt."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    said = b""
    for prompt, line in zip((b"Password: ", b"once more: "), lines, strict=True):
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


def test_what_is_typed_twice_is_taken_and_not_shown_before():
    said = at_a_terminal("open sesame", "open sesame")
    assert said.count("open sesame") == 1 and "taken: open sesame" in said


def test_two_that_differ_are_refused():
    said = at_a_terminal("open sesame", "open barley")
    assert "not the same: nothing was changed" in said and "taken" not in said


@pytest.mark.parametrize("typed", ["", "x"])
def test_an_empty_or_short_one_is_the_callers_to_judge(typed):
    assert "taken: " + typed in at_a_terminal(typed, typed)
