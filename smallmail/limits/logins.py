"""Tell the owner of a mailbox when somebody logs in from a network that is new to it. Pure, but for the memory.

All protocols count, and one network is told once, whichever protocol comes first. Nothing is told on the first day of
the host and of each mailbox, when all networks are new. What is known is remembered whether or not the setting
login-notice is on, so it can be switched on at any time. A thief with thousands of addresses does not cause as many
letters: after the first one, an hour's logins are told together, in a few letters a day.
"""
from typing import List, Sequence

from smallmail.bans.reports import Login
from smallmail.limits import networks, told
from smallmail.limits.configured import Configured
from smallmail.limits.counting import HOUR
from smallmail.limits.memory import Memory
from smallmail.limits.told import Letter

_PAUSE = HOUR       # between two letters to a mailbox
_A_DAY = 6          # letters


def letters(configured: Configured, memory: Memory, login: Login, now: float) -> List[Letter]:
    """Remember a login. Returns the letter about it, if its network is new and no letter was written lately."""
    network = networks.of(login.address)
    if not network or not memory.is_new_network(login.login, network, now) or not configured.login_notice:
        return []
    memory.keep_untold(login._replace(at=min(login.at, now)))
    return _due(configured, memory, login.login, now)


def late(configured: Configured, memory: Memory, now: float) -> List[Letter]:
    """Return the letters about logins that were kept, whose time has come."""
    return [letter for login in memory.untold_logins() for letter in _due(configured, memory, login, now)]


def is_due(before: Sequence[float], now: float) -> bool:
    """Tell whether a letter may be written now. `before`: when those of the last day were written."""
    return len(before) < _A_DAY and all(now - at >= _PAUSE for at in before)


def _due(configured: Configured, memory: Memory, login: str, now: float) -> List[Letter]:
    if not is_due(memory.notices(login, now), now):
        return []
    found = memory.take_untold(login, now)
    return [told.new_logins(configured, login, found)] if found and configured.login_notice else []
