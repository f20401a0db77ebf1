"""What the daily letter tells of bans: those that began since the last one."""
from typing import List

from smallmail.bans import book
from smallmail.bans.book import Ban
from smallmail.machine import dates, state, state_files
from smallmail.machine.host import Host

# So many are named; of a storm, the number is enough.
_NAMED = 20


def new(host: Host, now: float) -> List[Ban]:
    """Return the bans that began since the last letter; after the file was lost, those of the last day."""
    told = state_files.load_json(host, state.BANS_TOLD, {"until": 0})["until"]
    return [ban for ban in book.load(host).values() if max(told, now - 86400) <= ban.since < now]


def told(host: Host, now: float) -> None:
    """Remember what a letter has told."""
    state_files.save_json(host, state.BANS_TOLD, {"until": int(now)})


def lines(bans: List[Ban]) -> List[str]:
    """Write the bans for a letter. Returns its lines."""
    found = ["{} until {}; tried: {}".format(ban.client, dates.minute(ban.until), ", ".join(ban.names))
             for ban in bans[:_NAMED]]
    return found + (["and {} more".format(len(bans) - _NAMED)] if len(bans) > _NAMED else [])
