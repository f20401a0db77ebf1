"""The daily letter: what has changed since the last check, and when it is sent."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from smallmail.check import letter, run as check_run
from smallmail.configuration import in_force
from smallmail.errors import Problem
from smallmail.findings import Group, wrapped
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.programs import daily as programs_daily

ONE, TWO = Group("host").problem("one", "why", ["type"]), Group("dns").problem("two", "why", ["type"])


def test_what_changed() -> None:
    known = [("host", "one"), ("dns", "two")]
    assert letter.changes([], [ONE, TWO]) == ([ONE, TWO], [], known)
    assert letter.changes(known, [ONE._replace(why="other figures"), TWO]) == ([], [], known)
    assert letter.changes(known, [TWO]) == ([], [("host", "one")], [("dns", "two")])
    # Who could not ask does not know that it is gone.
    assert letter.changes(known, [ONE, Group("dns").unknown("the records in DNS", "no answer")]) == ([], [], known)
    clock = Group("host").unknown("the clock", "no time server could be reached", ["clock"])
    assert letter.changes(known, [TWO, clock]) == ([], [("host", "one")], [("dns", "two")])
    wrong = ("host", "the clock is wrong", "clock")
    assert letter.changes([wrong], [clock]) == ([], [], [wrong])
    assert letter.changes([], [Group("dns").note("something"), Group("dns").unknown("something", "")]) == ([], [], [])


def test_what_one_problem_explains_is_told_with_it() -> None:
    """A stopped Postfix is one problem, also on the day when it is over and another one comes to light."""
    stopped = Group("host").problem("postfix is not running", "why", hides=["postfix"])
    silent = Group("ports").problem("nothing answers on port 25", "why", about=["postfix"])
    new, gone, known = letter.changes([], [stopped, silent])
    assert (new, gone, known) == ([stopped, silent], [], [("host", "postfix is not running")])
    assert letter.subject("mx.example.org", new, gone) == "mx.example.org: postfix is not running"
    assert letter.letter(new, gone).count("Problem: ") == 1
    assert "  This explains: nothing answers on port 25\n" in letter.letter(new, gone)
    assert letter.changes(known, [silent]) == ([silent], known, [("ports", "nothing answers on port 25", "postfix")])
    before = [("ports", "nothing answers on port 25", "postfix")]
    assert letter.changes(before, [stopped, silent])[1] == [], "it is not gone, only explained"


def test_a_letter_fits_the_screen() -> None:
    """80 columns, and no broken word; what is to be copied stays whole."""
    record = "example.org. 3600 IN TXT " + 30 * "v=spf1 mx "
    long = Group("dns").problem(30 * "what is wrong ", 30 * "why it matters ", ["echo " + 90 * "x"], [record],
                                30 * "what else to do ")
    lines = letter.letter([long], [("host", 20 * "what was wrong ")]).splitlines()
    assert {line for line in lines if len(line) > 80} == {"    " + record, "  > echo " + 90 * "x"}
    assert {word for line in lines for word in line.split()} >= {"wrong", "matters", "else", "was"}
    assert len([line for line in lines if line.startswith("  what was wrong")]) > 2


def test_a_command_between_quotes_is_not_broken() -> None:
    lines = wrapped("whether others reach this host's ports cannot be seen from here; type 'nc -v mx.example.org 25'"
                    " on another machine, and then the host's other port")
    assert lines == ["whether others reach this host's ports cannot be seen from here; type",
                     "  'nc -v mx.example.org 25' on another machine, and then the host's other port"]


def test_the_letter() -> None:
    assert letter.subject("mx.example.org", [ONE], []) == "mx.example.org: one"
    assert letter.subject("mx.example.org", [ONE, TWO], [("dns", "x")]) == "mx.example.org: 2 new problems, 1 solved"
    text = letter.letter([ONE], [("dns", "two")])
    assert "Problem: one\n  why\n  > type\n" in text and "No longer a problem:\n  two\n" in text


class Postbox(Host):
    """A host on which nothing runs; what it is told to run is kept."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.sent: list[str] = []
        self.down = False

    def run(self, command: list[str], text: str = "") -> str:
        if self.down:
            raise Problem("sendmail failed")
        self.sent.append(text)
        return ""


def test_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter that could not be sent is sent the next day."""
    host = Postbox(str(tmp_path))
    found = [ONE]
    monkeypatch.setattr(in_force, "load_or_last", lambda _: argparse.Namespace(hostname="mx.example.org"))
    monkeypatch.setattr(check_run, "findings", lambda *_: found)
    host.down = True
    with pytest.raises(Problem):
        programs_daily.daily(host, [])
    host.down = False
    programs_daily.daily(host, [])
    programs_daily.daily(host, [])
    assert [each.splitlines()[1] for each in host.sent] == ["Subject: mx.example.org: one"]
    kept = host.file(state.CHECK)
    assert kept and (kept.mode, json.loads(kept.content.decode())) == (0o600, [["host", "one"]])
    found.clear()
    (tmp_path / state.CHECK).write_text("{not json")     # forgotten: nothing is known to be gone
    programs_daily.daily(host, [])
    assert len(host.sent) == 1
