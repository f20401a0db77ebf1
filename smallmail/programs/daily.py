"""Check everything once a day, and mail the postmaster what has changed (smallmail-check.timer)."""
from typing import List

from smallmail.check import letter, run
from smallmail.configuration import in_force
from smallmail.machine import letters, state, state_files
from smallmail.machine.host import Host


def daily(host: Host, _: List[str]) -> int:
    """Check, and send a letter when there is something to tell. What cannot be sent is told the next time."""
    settings = in_force.load_or_last(host)
    new, gone, known = letter.changes(letter.remembered(host), run.findings(host, settings, run.GROUPS))
    if new or gone:
        letters.mail(host, letter.subject(settings.hostname, new, gone), letter.letter(new, gone))
    state_files.save_json(host, state.CHECK, known)
    return 0
