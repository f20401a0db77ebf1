"""Check everything once a day, and mail the postmaster what has changed (smallmail-check.timer)."""
import time
from typing import List

from smallmail.bans import news
from smallmail.check import letter, run
from smallmail.configuration import in_force
from smallmail.errors import EXPECTED
from smallmail.machine import letters, state, state_files
from smallmail.machine.host import Host


def daily(host: Host, _: List[str]) -> int:
    """Check, and send a letter when there is something to tell. What cannot be sent is told the next time."""
    settings, now = in_force.load_or_last(host), time.time()
    new, gone, known = letter.changes(letter.remembered(host), run.findings(host, settings, run.GROUPS))
    try:
        banned = news.new(host, now)
    except EXPECTED:    # the checks have a finding for it
        banned = []
    if new or gone or banned:
        letters.mail(host, letter.subject(settings.hostname, new, gone, len(banned)),
                     letter.letter(new, gone, news.lines(banned)))
    state_files.save_json(host, state.CHECK, known)
    news.told(host, now)
    return 0
