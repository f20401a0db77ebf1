"""The daily letter: what has changed since the last check."""

from __future__ import annotations

from smallmail.check import letter
from smallmail.findings import Group, wrapped

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
