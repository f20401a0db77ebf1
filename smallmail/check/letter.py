"""Once a day: check everything, and write to the postmaster what has changed since the last time, and only that.
`python3 -m smallmail.daily` is run by smallmail-check.timer."""
import contextlib
import json
from typing import List, Tuple

from smallmail.findings import Finding, is_hidden, problems, text
from smallmail.machine.host import Host
from smallmail.machine.state import STATE

PATH = STATE + "/check.json"

# What makes a finding the same as yesterday's: its group, and what it is.
Known = Tuple[str, str]


def changes(before: List[Known], found: List[Finding]) -> Tuple[List[Finding], List[Known], List[Known]]:
    """The problems that are new, those of before that are gone, and all that are to be remembered. One that cannot be
    seen today is neither here nor gone."""
    now = problems(found)
    names = [(finding.group, finding.what) for finding in now]
    missing = [known for known in before if known not in names]
    kept = [known for known in missing if is_hidden(known[0], known[1], found)]
    return ([finding for finding in now if (finding.group, finding.what) not in before],
            [known for known in missing if known not in kept], names + kept)


def letter(new: List[Finding], gone: List[Known]) -> str:
    """What the postmaster reads."""
    parts = [text(new)] if new else []
    if gone:
        parts.append("\n".join(["No longer a problem:"] + ["  " + what for _, what in gone]))
    return "\n\n".join(parts + ["'smallmail check' shows all there is now."])


def subject(hostname: str, new: List[Finding], gone: List[Known]) -> str:
    """What it is about, for a list of mail."""
    if len(new) == 1:
        return "{}: {}".format(hostname, new[0].what)
    words = ["{} new problems".format(len(new))] if new else []
    return "{}: {}".format(hostname, ", ".join(words + (["{} solved".format(len(gone))] if gone else [])))


def remembered(host: Host) -> List[Known]:
    """Return the findings of the day before; none where nothing readable is stored."""
    with contextlib.suppress(ValueError, TypeError):    # somebody has edited it: begin anew
        return [(str(group), str(what)) for group, what in json.loads(host.text(PATH) or "[]")]
    return []
