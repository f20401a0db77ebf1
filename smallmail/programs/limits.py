"""Limit what logins send (smallmail-limits.service), and send alarms (smallmail-alarms.path starts it). Both run as the
user smallmail-limits."""
import grp
import time
from typing import List

from smallmail.limits import alarms as limits_alarms, configured, service
from smallmail.limits.memory import Memory
from smallmail.machine import state
from smallmail.machine.host import Host

_PAUSE = 30.0       # seconds: Postfix, or what `notify` names, may be down


def limits(host: Host, _: List[str]) -> int:
    """Answer Postfix's questions, for ever."""
    memory = Memory(host.path(state.LIMITS_MEMORY), time.time())
    answers = service.Answers(host.path(state.LIMITS_CONFIGURED), host.path(state.ACCOUNTS), memory,
                              host.path(state.ALARMS))
    service.serve(host.path(state.LIMITS_SOCKET), grp.getgrnam("postfix").gr_gid, answers.ask)
    return 0


def alarms(host: Host, _: List[str]) -> int:
    """Send all letters that are kept. Returns 0 when none is left."""
    while not limits_alarms.send_all(host, host.path(state.ALARMS),
                                     configured.load(host.path(state.LIMITS_CONFIGURED))):
        time.sleep(_PAUSE)
    return 0
