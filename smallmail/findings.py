"""What a check found: what it is, why it matters, and what to type."""
from collections import OrderedDict
from typing import Any, List, NamedTuple

Finding = NamedTuple("Finding", [
    ("group", str),
    ("severity", str),  # PROBLEM or NOTE
    ("what", str),
    ("why", str),
    ("type", str),      # a command, or the record to set; may be empty
])

PROBLEM, NOTE = "problem", "note"


def problems(found: List[Finding]) -> List[Finding]:
    """Those that want something done."""
    return [finding for finding in found if finding.severity == PROBLEM]


def text(found: List[Finding]) -> str:
    """For a human eye: problems first, notes after them."""
    lines = []
    for finding in problems(found):
        lines += ["Problem: " + finding.what, "  " + finding.why]
        lines += ["  > " + line for line in finding.type.splitlines()]
    lines += ["Note: " + finding.what for finding in found if finding.severity == NOTE]
    if not problems(found):
        lines.append("No problem found.")
    return "\n".join(lines)


def data(found: List[Finding]) -> List[Any]:
    """For --json."""
    return [OrderedDict(zip(finding._fields, finding)) for finding in found]
