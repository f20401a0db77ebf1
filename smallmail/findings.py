"""Define the value that every check makes: what was found, why it matters, and what to do about it. Pure.

A finding stays a value from its source to the screen, to the daily letter and to --json: nothing is cut out of its
sentences. What can be typed, what can be set in DNS and what can only be said are three fields.
"""
import re
import textwrap
from collections import OrderedDict
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from smallmail.errors import EXPECTED, sentence

# `what` is the same tomorrow as long as nothing has changed: figures that change by themselves belong into `why`.
Finding = NamedTuple("Finding", [
    ("group", str),
    ("severity", str),          # PROBLEM, NOTE or UNKNOWN
    ("what", str),              # of UNKNOWN: what was not checked
    ("why", str),               # why it matters; of UNKNOWN: why it was not checked
    ("commands", List[str]),    # what to type: a shell accepts each as it is
    ("records", List[str]),     # what to set in DNS, each a line of a zone file
    ("advice", str),            # what else to do, a sentence
    ("about", List[str]),       # the things that it is about, which the `hides` of other findings may name
    ("hides", List[str]),       # the things, or groups, whose problems it explains (PROBLEM) or leaves unseen (UNKNOWN)
])
PROBLEM, NOTE = "problem", "note"
UNKNOWN = "unknown"     # what could not be asked: neither right nor wrong
_WIDTH = 80
_NO_BREAK = "\N{NO-BREAK SPACE}"

# What is between quotes; an apostrophe in a word is neither its begin nor its end.
_QUOTED = re.compile(r"(?<!\w)'[^']{1,70}'(?!\w)")


class Group:
    """Makes the findings of one group."""

    def __init__(self, name: str) -> None:
        self.name = name

    def problem(self, what: str, why: str, commands: Sequence[str] = (), records: Sequence[str] = (), advice: str = "",
                about: Sequence[str] = (), hides: Sequence[str] = ()) -> Finding:
        """Make a finding on something to mend. Returns it."""
        return Finding(self.name, PROBLEM, what, why, list(commands), list(records), advice, list(about), list(hides))

    def note(self, what: str) -> Finding:
        """Make a finding on something to know. Returns it."""
        return Finding(self.name, NOTE, what, "", [], [], "", [], [])

    def unknown(self, what: str, why: str, hides: Optional[Sequence[str]] = None,
                commands: Sequence[str] = ()) -> Finding:
        """Make a finding on something that could not be asked. `hides`: the things whose problems may be there all the
        same; all of the group when it is left out. Returns the finding."""
        hidden = [self.name] if hides is None else list(hides)
        return Finding(self.name, UNKNOWN, what, why, list(commands), [], "", [], hidden)

    def all_of(self, *parts: Iterator[Finding]) -> Iterator[Finding]:
        """Yield what each part finds. An error in one part (a daemon that it asks is away) does not stop the others."""
        for part in parts:
            try:
                yield from part
            except EXPECTED as error:
                yield self.unknown("a part of the group {}".format(self.name), sentence(error))


def problems(found: Sequence[Finding]) -> List[Finding]:
    """Select the findings that ask for something to be done. Returns them in their order."""
    return [finding for finding in found if finding.severity == PROBLEM]


def cause(finding: Finding, found: Sequence[Finding]) -> Optional[Finding]:
    """Look for the problem that explains this one, as a stopped Postfix explains a silent port. Returns it, or None."""
    return next((other for other in problems(found) if set(other.hides) & set(finding.about)), None)


def folded(found: Sequence[Finding]) -> List[Tuple[Finding, List[Finding]]]:
    """Put every problem that another one explains under that one. Returns the others, each with those it explains."""
    causes = [(finding, cause(finding, found)) for finding in problems(found)]
    return [(finding, [other for other, its in causes if its == finding]) for finding, its in causes if its is None]


def is_hidden(things: Sequence[str], found: Sequence[Finding]) -> bool:
    """Return whether a problem on these things (its group, and what it is about) may be there without being told."""
    return any(set(finding.hides) & set(things) for finding in found)


def text(found: Sequence[Finding]) -> str:
    """Write the findings for a person, problems first, in lines of at most 80 columns. Only what is to be copied as it
    is, a command or a record, may be longer. Returns the text."""
    lines = []  # type: List[str]
    for finding, explained in folded(found):
        lines += wrapped("Problem: " + finding.what) + wrapped(finding.why, "  ") + wrapped(finding.advice, "  ")
        lines += ["  Set in DNS:"] * bool(finding.records) + ["    " + record for record in finding.records]
        lines += ["  > " + command for command in finding.commands]
        lines += wrapped("This explains: " + "; ".join(other.what for other in explained), "  ") if explained else []
    for finding in found:
        if finding.severity == UNKNOWN:
            lines += wrapped("Not checked: {} ({})".format(finding.what, finding.why))
            lines += ["  > " + command for command in finding.commands]
    for finding in found:
        lines += wrapped("Note: " + finding.what) if finding.severity == NOTE else []
    return "\n".join(lines if problems(found) else lines + ["No problem found."])


def wrapped(words: str, indent: str = "", hanging: str = "  ") -> List[str]:
    """Break a sentence into lines of at most 80 columns, never in a word or in a command between quotes. `hanging`:
    what all lines but the first begin with, unless they are indented alike. Returns them; none for no words."""
    whole = _QUOTED.sub(lambda match: match.group().replace(" ", _NO_BREAK), words)
    lines = textwrap.wrap(whole, _WIDTH, initial_indent=indent, subsequent_indent=indent or hanging,
                          break_long_words=False, break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def data(found: Sequence[Finding]) -> List[Any]:
    """Make the value that --json prints. Returns it."""
    return [_object(finding, cause(finding, found)) for finding in found]


def _object(finding: Finding, its: Optional[Finding]) -> "OrderedDict[str, Any]":
    return OrderedDict([
        ("group", finding.group),
        ("severity", finding.severity),
        ("what", finding.what),
        ("why", finding.why),
        ("commands", finding.commands),
        ("records", finding.records),
        ("advice", finding.advice),
        ("explained_by", its.what if its else ""),
        # All three together, as up to 0.3.0; it remains until 0.6.0.
        ("type", "\n".join(filter(None, finding.records + finding.commands + [finding.advice]))),
    ])
