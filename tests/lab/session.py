"""The session: what one run of the lab has made carries its name, and leaves with it.

Nothing is written down to be undone. Control group, folder and network namespaces carry the runner's process
number; sweeping a session means removing all that carries its name. That one way serves the orderly end,
Ctrl-C, SIGTERM and exceptions (atexit), and what a runner leaves that was killed with -9: the next session
finds it, because nobody holds the lock of the dead one any more.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from . import mounts
from .groups import Group

CACHE = Path(os.environ.get("SMALLMAIL_LAB_CACHE", "/var/cache/smallmail-lab")).resolve()
RUN = Path("/run/smallmail-lab")
NETNS = Path("/run/netns")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """SIGTERM and SIGHUP arrive as this: pytest and `finally` treat it as they treat Ctrl-C."""


class Session:
    """The names of everything that one runner makes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.group = Group(f"smallmail-lab-{pid}")
        self.state = RUN / str(pid)
        self._lock: IO[bytes] | None = None

    @property
    def folder(self) -> Path:
        """Where the session's overlays are: on the disk, in the cache that the session was started with."""
        return (self.state / "folder").resolve()

    def netns(self, name: str) -> str:
        return f"smallmail-{self.pid}-{name}"

    def open(self) -> None:
        self.state.mkdir()
        folder = CACHE / "sessions" / str(self.pid)
        folder.mkdir(parents=True)
        (self.state / "folder").symlink_to(folder)
        mounts.share(folder)
        self._lock = (self.state / "lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def alive(self) -> bool:
        """Whether its runner lives; the lock says so, even where a process number was given out again."""
        try:
            with (self.state / "lock").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def sweep(self) -> None:
        """Remove all that carries this session's name."""
        self.group.remove()
        for name in NETNS.glob(self.netns("*")):
            subprocess.run(["ip", "netns", "delete", name.name], check=True)
        mounts.remove(self.folder)
        shutil.rmtree(self.state)

    def close(self) -> None:
        if self._lock is None or os.getpid() != self.pid:  # swept already, or a forked child's exit
            return
        with _undisturbed():
            self.sweep()
        self._lock.close()
        self._lock = None


@cache
def current() -> Session:
    """This process's session; the first call opens it, and sweeps those whose runner died."""
    RUN.mkdir(exist_ok=True)
    with (RUN / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in sessions():
            if not leftover.alive():
                leftover.sweep()
        session = Session(os.getpid())
        session.open()
    atexit.register(session.close)
    # Now and then execnet, below pytest-xdist, runs a worker in another thread than the first, which alone hears
    # signals (signal(7)): what is ended then is swept by the next run.
    if threading.current_thread() is threading.main_thread():
        _listen()
    return session


def _listen() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    # A shell starts what it sends to the background with Ctrl-C ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def sessions() -> list[Session]:
    """All sessions that there are, dead or alive."""
    return [Session(int(state.name)) for state in sorted(RUN.glob("[0-9]*"))]


def _stop(number: int, frame: object) -> None:
    raise Stopped(signal.Signals(number).name)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C does not stop the sweeping half-way."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
