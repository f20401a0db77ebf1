"""Ask the running daemons whether they serve."""
import functools
import time
from typing import Callable, Iterator, List, Tuple

from smallmail.daemons import running, table
from smallmail.daemons.daemon import Daemon
from smallmail.errors import Problem
from smallmail.machine import probes
from smallmail.machine.host import Host

Question = Callable[[], bool]


def serving(host: Host, pause: float = 0.0) -> List[str]:
    """Wait until each daemon that runs answers where it must. `pause`: seconds that each may take in addition to its
    own patience. Raises Problem naming those that do not answer in their time. Our own ones do not hold up mail:
    returns a sentence for each that does not run or answer.

    Where nothing may be started (a chroot, policy-rc.d) no daemon runs, and that is not a fault.
    """
    own = {daemon.unit for daemon in table.ALL if daemon.own_unit}
    failed = running.failures(host)
    without = ["{0} did not start, and mail flows without it: 'journalctl -u {0}' shows why".format(unit)
               for unit in failed if unit in own]
    failed = [unit for unit in failed if unit not in own]
    if failed:
        raise Problem("{} did not start: 'journalctl -u {}' shows why".format(" and ".join(failed), failed[0]))
    sentences = []  # type: List[str]
    for daemon in table.ALL:    # a daemon greets only once those that it asks have answered it
        deadline = time.monotonic() + daemon.patience + pause
        is_active = running.active(host, daemon)
        silent = [place for place, question in _questions(host, daemon)
                  if is_active and not _becomes_true(question, deadline)]
        found = without if daemon.own_unit else sentences
        found += ["{} does not respond correctly on {}".format(daemon.name, place) for place in silent]
        if silent and daemon.explain(host):
            sentences.append(daemon.explain(host))
    if sentences:
        raise Problem("; ".join(sentences))
    return without


def _questions(host: Host, daemon: Daemon) -> Iterator[Tuple[str, Question]]:
    """Yield what is to be asked of the daemon: the name of the place, and the question."""
    for port in daemon.ports:
        if port.required:
            yield "port {}".format(port.number), functools.partial(running.answers, port)
    for name, path in daemon.sockets.items():
        yield name, functools.partial(probes.connects, host.root, path)


def _becomes_true(question: Question, deadline: float) -> bool:
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
