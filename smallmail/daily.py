"""Once a day: check everything, and write to the postmaster what has changed since the last time, and only that.
`python3 -m smallmail.daily` is run by smallmail-check.timer."""
import contextlib
import json
import sys
from typing import List, Tuple

from smallmail import checkup, report, store
from smallmail.errors import EXPECTED
from smallmail.findings import Finding, is_hidden, problems, text
from smallmail.host import STATE, Host
from smallmail.tree import File

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


def run(host: Host) -> None:
    """Check, and write when there is something to tell. What could not be sent is told the next time."""
    settings = store.load_or_last(host)
    new, gone, known = changes(_remembered(host), checkup.findings(host, settings, checkup.GROUPS))
    if new or gone:
        report.mail(host, subject(settings.hostname, new, gone), letter(new, gone))
    content = json.dumps(known, indent=1).encode("ascii") + b"\n"
    host.write(PATH, File(content, 0o600, "root", "root"))


def _remembered(host: Host) -> List[Known]:
    with contextlib.suppress(ValueError, TypeError):    # somebody has edited it: begin anew
        return [(str(group), str(what)) for group, what in json.loads(host.text(PATH) or "[]")]
    return []


def main() -> int:
    """Run; the exit code."""
    try:
        run(Host())
    except EXPECTED as error:
        print("smallmail: {}".format(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
