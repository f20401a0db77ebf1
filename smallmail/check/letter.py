"""Write the daily letter: what has changed since the last check, and only that. The program that smallmail-check.timer
starts (programs/daily.py) sends it, and remembers what was told."""
import contextlib
from typing import List, Sequence, Tuple

from smallmail.check import units
from smallmail.findings import Finding, folded, is_hidden, text, wrapped
from smallmail.machine import state, state_files
from smallmail.machine.host import Host

# What is remembered of a problem: its group, what it is, and then the things that it is about. By the first two it is
# found again the next day.
Known = Tuple[str, ...]


def changes(before: Sequence[Known], found: Sequence[Finding]) -> Tuple[List[Finding], List[Known], List[Known]]:
    """Compare today's findings with what was remembered. Returns the problems that are new (with those that they
    explain), those that are gone, and all that is to be remembered. One that cannot be seen today is neither."""
    now = folded(found)
    known_now = [_known(finding) for finding, _ in now]
    missing = [known for known in before if known[:2] not in [each[:2] for each in known_now]]
    kept = [known for known in missing if is_hidden(known[:1] + known[2:], found)]
    told = [known[:2] for known in before]
    new = [each for finding, explained in now if _known(finding)[:2] not in told for each in [finding, *explained]]
    return new, [known for known in missing if known not in kept], known_now + kept


def _known(finding: Finding) -> Known:
    return tuple([finding.group, finding.what] + finding.about)


def letter(new: List[Finding], gone: Sequence[Known], banned: Sequence[str] = ()) -> str:
    """Write what the postmaster reads. `banned`: lines on the addresses that were banned. Returns the text."""
    parts = [text(new)] if new else []
    if gone:
        lines = [line for known in gone for line in wrapped(known[1], "  ")]
        parts.append("\n".join(["No longer a problem:"] + lines))
    if banned:
        lines = [line for each in banned for line in wrapped(each, "  ", "    ")]
        parts.append("\n".join(["Banned, because passwords were guessed from there ('smallmail bans list'):"] + lines))
    return "\n\n".join(parts + ["'smallmail check' shows everything that is found now."])


def subject(hostname: str, new: List[Finding], gone: Sequence[Known], banned: int = 0) -> str:
    """Write what the letter is about. Returns one line."""
    heads = [finding for finding, _ in folded(new)]
    if len(heads) == 1:     # the rest is in the letter
        return "{}: {}".format(hostname, heads[0].what)
    words = [units.number(len(heads), "new problem", "new problems")] if heads else []
    words += ["{} solved".format(len(gone))] if gone else []
    words += [units.number(banned, "address banned", "addresses banned")] if banned else []
    return "{}: {}".format(hostname, ", ".join(words))


def remembered(host: Host) -> List[Known]:
    """Read what the check of the day before left. Returns nothing if the file is lost or damaged: then all is new."""
    with contextlib.suppress(TypeError):
        return [tuple(str(word) for word in known) for known in state_files.load_json(host, state.CHECK, [])
                if len(known) > 1]
    return []
