"""Asking the daemons themselves: would they take this configuration, and do they serve now."""
import functools
import time
from typing import Callable

from smallmail.daemons import judge, listening, running as daemons_running
from smallmail.errors import Problem
from smallmail.machine import probes
from smallmail.machine.host import Host

# Rspamd answers up to 30 s after its unit is "active": it compiles its patterns first. The others are there at once,
# and an apply that is to be taken back should not keep mail waiting.
_SECONDS = {"rspamd": 90.0, "dovecot": 15.0, "postfix": 15.0}


def serving(host: Host) -> None:
    """Wait until each daemon that runs answers; raises Problem naming those that do not in their time.

    Where nothing may be started (a chroot, policy-rc.d) there is nobody to ask, and that is no fault.
    """
    failed = daemons_running.failures(host)
    if failed:
        raise Problem("{} did not start: 'journalctl -u {}' says why".format(" and ".join(failed), failed[0]))
    questions = [(port.service, "port {}".format(port.number), functools.partial(probes.greets, port))
                 for port in listening.PORTS]
    questions.append(("rspamd", "its milter socket", functools.partial(probes.connects, host.path(judge.MILTER))))
    missing = []
    for daemon in ("rspamd", "dovecot", "postfix"):     # whose greeting may wait for the others
        deadline = time.monotonic() + _SECONDS[daemon]
        running = daemons_running.active(host, daemon)
        missing += ["{} does not answer as it should on {}".format(daemon, what)
                    for service, what, question in questions
                    if running and service == daemon and not _until(question, deadline)]
    if missing:
        raise Problem("; ".join(filter(None, missing + [judge.elsewhere(host)])))


def _until(question: Callable[[], bool], deadline: float) -> bool:
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
