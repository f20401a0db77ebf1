"""What a stranger wrote does nothing to a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from smallmail import plain
from smallmail.machine import letters


@pytest.mark.parametrize(("hostile", "shown"), [
    ("\x1b]0;title\x07", r"\x1b]0;title\x07"), ("\x9b31m", r"\x9b31m"), ("gpj.\u202eexe", r"gpj.\u202eexe"),
    ("over\rwritten", r"over\rwritten"), ("\x7f\x00", r"\x7f\x00"), ("\u2066\u2069\ufeff", r"\u2066\u2069\ufeff"),
    ("stra\udcdfe \ud800", r"stra\xdfe \ud800"), ("zwölf Straßen\t日本\n", "zwölf Straßen\t日本\n"),
])  # fmt: skip
def test_what_controls_a_terminal_is_shown(hostile: str, shown: str) -> None:
    assert plain.plain(hostile) == shown


def test_all_that_is_printed_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    plain.guard()
    plain.guard()
    print("a\x1b[2Jb")
    print("c\x1b[2Jd", file=sys.stderr)
    assert (out.getvalue(), err.getvalue()) == ("a\\x1b[2Jb\n", "c\\x1b[2Jd\n")


def test_letters_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    class Host:
        def run(self, command: list[str], text: str, seconds: int) -> None:
            sent.append(text)

    letters.mail(Host(), "s\x1b[2J", "t\u202e")  # type: ignore[arg-type]
    assert "Subject: s\\x1b[2J\n" in sent[0] and sent[0].endswith("t\\u202e\n")
