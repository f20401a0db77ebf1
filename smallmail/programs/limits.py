"""Limit what logins send (smallmail-limits.service), and send alarms (smallmail-alarms.path starts it). Both run as the
user smallmail-limits."""
import functools
import time
from typing import List

from smallmail.limits import alarms as limits_alarms, configured, hearing, service
from smallmail.limits.memory import Memory
from smallmail.machine import state
from smallmail.machine.host import Host

_PAUSE = 30.0       # seconds: Postfix, or what `notify` names, may be down


def limits(host: Host, _: List[str]) -> int:
    """Answer Postfix's questions and hear of logins, for ever."""
    answers = service.Answers(host, Memory(host, state.LIMITS_MEMORY, time.time()))
    service.serve(host, state.LIMITS_SOCKET, answers.ask, functools.partial(hearing.begin, host, answers))
    return 0


def alarms(host: Host, _: List[str]) -> int:
    """Send all letters that are kept. Returns 0 when none is left."""
    while not limits_alarms.send_all(host, configured.load(host.path(state.LIMITS_CONFIGURED))):
        time.sleep(_PAUSE)
    return 0
