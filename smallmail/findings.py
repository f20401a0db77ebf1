"""What a check found: what it is, why it matters, and what to type."""
from collections import OrderedDict
from typing import Any, Iterator, List, NamedTuple

from smallmail.errors import EXPECTED

# `what` is the same tomorrow as long as nothing has changed: figures that change by themselves belong into `why`.
Finding = NamedTuple("Finding", [
    ("group", str),
    ("severity", str),  # PROBLEM, NOTE or UNKNOWN
    ("what", str),
    ("why", str),       # of UNKNOWN: words of the problems that may be there unseen; empty: any of its group
    ("type", str),      # a command, or the record to set; may be empty
])
PROBLEM, NOTE = "problem", "note"
UNKNOWN = "unknown"     # what could not be asked: neither right nor wrong


class Group:
    """Makes the findings of one group."""

    def __init__(self, name: str) -> None:
        self.name = name

    def problem(self, what: str, why: str, fix: str) -> Finding:
        """Something to mend."""
        return Finding(self.name, PROBLEM, what, why, fix)

    def note(self, what: str) -> Finding:
        """Something to know."""
        return Finding(self.name, NOTE, what, "", "")

    def unknown(self, what: str, hides: str = "") -> Finding:
        """Something that could not be asked. `hides`: words of the problems that may be there all the same."""
        return Finding(self.name, UNKNOWN, what, hides, "")

    def all_of(self, *parts: Iterator[Finding]) -> Iterator[Finding]:
        """What each part finds; one that goes wrong (a daemon is away that it asks) keeps the others from nothing."""
        for part in parts:
            try:
                yield from part
            except EXPECTED as error:
                yield self.unknown("a part of {}: {}".format(self.name, error))


def problems(found: List[Finding]) -> List[Finding]:
    """Those that want something done."""
    return [finding for finding in found if finding.severity == PROBLEM]


def is_hidden(group: str, what: str, found: List[Finding]) -> bool:
    """Whether that problem may be there, and could not be seen."""
    return any(finding.severity == UNKNOWN and finding.group == group and finding.why in what for finding in found)


def sentence(finding: Finding) -> str:
    """In one line, for a screen that shows much else."""
    return "{}: {}".format(finding.what, "; ".join(finding.type.splitlines()))


def text(found: List[Finding]) -> str:
    """For a human eye: problems first, notes after them."""
    lines = []
    for finding in problems(found):
        lines += ["Problem: " + finding.what, "  " + finding.why]
        lines += ["  > " + line for line in finding.type.splitlines()]
    for severity, word in ((UNKNOWN, "Not checked: "), (NOTE, "Note: ")):
        lines += [word + finding.what for finding in found if finding.severity == severity]
    if not problems(found):
        lines.append("No problem found.")
    return "\n".join(lines)


def data(found: List[Finding]) -> List[Any]:
    """For --json."""
    return [OrderedDict(zip(finding._fields, finding)) for finding in found]
