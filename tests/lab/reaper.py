"""The reaper: a process beside each runner of the lab, which sweeps the runner's session when that has ended.

It is in a process group and a session (setsid(2)) of its own, and deaf to the signals that end a run: what ends the
runner does not end it. Its standard input is a pipe from the runner, which asks by it for the sweep at an orderly end.
"""

from __future__ import annotations

import select
import signal
import sys
import time

from .errors import LabError
from .session import Session

LATE = 1.0  # seconds for what the runner had begun when it was killed: `ip netns add` ends by itself


def main(pid: int, runner: int) -> int:
    """Wait until process `pid`, of which `runner` is the pidfd, asks or has ended; sweep; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    select.select([runner, 0], [], [])
    asked = sys.stdin.buffer.read1(1) if select.select([0], [], [], 0)[0] else b""
    session = Session(pid)
    try:
        session.sweep()
        if not asked:
            time.sleep(LATE)
            if session.left() and not session.alive():  # alive: the process number has been used again
                session.sweep()
    except LabError as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
