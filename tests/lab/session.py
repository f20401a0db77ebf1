"""The session: what one run of the lab has made carries its name, and leaves with it.

Nothing is written down to be undone. Control group, folder and network namespaces carry the runner's process
number; sweeping a session means removing all that carries its name. A process of its own does it, the reaper
(reaper.py), which the runner starts first of all: it waits for the runner's end and does not ask what that end
was (an orderly one, an exception, a signal, kill -9, os._exit). Runner and reaper hold the session's locks
together. Where nobody holds them any more, the reaper was killed too, and the next session sweeps.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from . import mounts
from .errors import LabError, tail, until
from .groups import Group, hierarchies

CACHE = Path(os.environ.get("SMALLMAIL_LAB_CACHE", "/var/cache/smallmail-lab")).resolve()
RUN = Path("/run/smallmail-lab")
NETNS = Path("/run/netns")
OF_RUN = "SMALLMAIL_LAB_RUN"  # in the environment: what several sessions of one run of the tests have in common
# Seconds that a sweep may take on an overloaded machine, and one that others must wait for.
PATIENCE = float(os.environ.get("SMALLMAIL_LAB_PATIENCE", "300"))
PATIENCE_WITH_OTHERS = min(30, PATIENCE)
REFUSED = (LabError, OSError, subprocess.SubprocessError)


class Stopped(KeyboardInterrupt):
    """SIGTERM and SIGHUP arrive as this: pytest and `finally` treat it as they treat Ctrl-C."""


class Session:
    """The names of everything that one runner makes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.group = Group(f"smallmail-lab-{pid}")
        self.state = RUN / str(pid)
        self._locks: list[int] = []
        self._reaper: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        """Where the session's overlays are: on the disk, in the cache that the session was started with."""
        link = self.state / "folder"
        return link.resolve() if link.is_symlink() else CACHE / "sessions" / str(self.pid)

    def netns(self, name: str) -> str:
        return f"smallmail-{self.pid}-{name}"

    def open(self) -> None:
        """Make the folders, take the locks, and start the reaper; nothing else may be made before."""
        self.state.mkdir()
        self.folder.mkdir(parents=True)
        (self.state / "folder").symlink_to(self.folder)
        (self.state / "run").write_text(os.environ.get(OF_RUN, ""), encoding="ascii")
        (self.state / "lock").touch()
        self._locks = [_locked(place) for place in self._lockable()]
        self._start_reaper()
        mounts.share(self.folder)

    def _lockable(self) -> list[Path]:
        """The folder is locked, too: it outlives a reboot, and the cache may be another container's as well."""
        return [self.state / "lock", self.folder]

    def _start_reaper(self) -> None:
        """The reaper has the locks from us, and a descriptor that tells when this process has ended."""
        package = __package__ or ""
        above = Path(__file__).parents[len(package.split("."))]
        me = os.pidfd_open(os.getpid())
        try:
            with (self.state / "reaper.log").open("wb") as log:
                self._reaper = subprocess.Popen(
                    [sys.executable, "-B", "-m", f"{package}.reaper", str(self.pid), str(me)], cwd="/",
                    env={**os.environ, "PYTHONPATH": str(above)}, stdin=subprocess.PIPE, stdout=log, stderr=log,
                    pass_fds=[me, *self._locks], start_new_session=True)
        finally:
            os.close(me)

    def run(self) -> str:
        """The run that the session is part of; nothing when it is gone."""
        try:
            return (self.state / "run").read_text(encoding="ascii")
        except FileNotFoundError:
            return ""

    def alive(self) -> bool:
        """Whether its runner or its reaper lives; the locks say so, even where a process number is used again."""
        return any(_is_locked(place) for place in self._lockable())

    def left(self) -> list[str]:
        """Name all that carries this session's name, one line each."""
        tops = [self.group.path, *(old / self.group.name for old in hierarchies("cgroup"))]
        return [*(f"process {pid} {_command(pid)}".rstrip() for pid in self.group.processes()),
                *(f"control group {top}" for top in tops if top.exists()),
                *(f"network namespace {name}" for name in self._namespaces()),
                *(f"mount {point}" for point in mounts.below(self.folder)),
                *(f"loop device {device}" for device in mounts.loops_below(self.folder)),
                *(f"folder {folder}" for folder in (self.folder, self.state) if folder.exists())]

    def sweep(self, seconds: float = PATIENCE) -> None:
        """Remove all that carries this session's name; a LabError says what is still there after so many seconds.

        What fails keeps nothing else from being removed, and is tried again: a process that is dying under load
        keeps its control group and its mounts for a while.
        """
        refusals: list[str] = []

        def swept() -> bool:
            try:
                self._remove()
            except REFUSED as refused:
                refusals[:] = [str(refused)]
                return False
            return True

        until(swept, f"all of session {self.pid} to go", seconds,
              lambda: tail("\n".join([*refusals, *(f"left: {what}" for what in self.left())])))

    def _remove(self) -> None:
        with ExitStack() as steps:  # the last is the first, and all are taken, whichever fails
            steps.callback(mounts.remove, self.folder)
            for name in self._namespaces():
                steps.callback(_delete_namespace, name)
            steps.callback(self.group.remove)
        shutil.rmtree(self.state, ignore_errors=True)
        if left := self.left():
            raise LabError(f"{left[0]} is there again")

    def _namespaces(self) -> list[str]:
        return sorted(path.name for path in NETNS.glob(self.netns("*")))

    def close(self) -> None:
        """Have the reaper sweep now, and wait until it has."""
        if self._reaper is None or os.getpid() != self.pid:  # swept already, or a forked child's exit
            return
        reaper, self._reaper = self._reaper, None
        locks, self._locks = self._locks, []
        try:
            reaper.communicate(b"sweep")
            if reaper.returncode != 0:  # killed, or it has lost its patience, as the sweep will say
                self.sweep(PATIENCE_WITH_OTHERS)
        finally:
            for lock in locks:
                os.close(lock)


@cache
def current() -> Session:
    """This process's session; the first call opens it, and sweeps those whose runner and reaper died."""
    RUN.mkdir(exist_ok=True)
    with (RUN / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for refusal in _sweep_the_dead():
            print(refusal, file=sys.stderr)
        session = Session(os.getpid())
        atexit.register(session.close)
        session.open()
    # Now and then execnet, below pytest-xdist, runs a worker in another thread than the first, which alone hears
    # signals (signal(7)): a worker that is ended then ends at once, and the reaper sweeps.
    if threading.current_thread() is threading.main_thread():
        _listen()
    return session


def close_current() -> None:
    """Sweep this process's session, if it has one."""
    if current.cache_info().currsize:
        current().close()


def _listen() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    # A shell starts what it sends to the background with Ctrl-C ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def sessions() -> list[Session]:
    """All sessions that there are, dead or alive: whatever has a session's number in its name tells of one."""
    numbers = [name.name for place in (RUN, CACHE / "sessions") for name in place.glob("[0-9]*")]
    numbers += [name.name.split("-")[1] for name in NETNS.glob("smallmail-[0-9]*-*")]
    return [Session(number) for number in sorted({int(number) for number in numbers if number.isdecimal()})]


def close_run(run: str, seconds: float = PATIENCE) -> list[str]:
    """Wait until the sessions of a run have gone, sweep those that are nobody's, and name all that is still there.

    What living sessions of other runs have is theirs.
    """
    def gone() -> bool:
        return not any(session.run() == run and session.alive() for session in sessions())

    try:
        until(gone, f"the sessions of run {run} to end", seconds)
    except LabError as still:
        return [str(still), *(what for session in sessions() if session.run() == run for what in session.left())]
    with (RUN / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _sweep_the_dead()


def _sweep_the_dead() -> list[str]:
    """Sweep the sessions that nobody holds; what did not go, in sentences. Who calls it holds RUN's lock."""
    refusals = []
    for session in sessions():
        if not session.alive():
            try:
                session.sweep(PATIENCE_WITH_OTHERS)
            except LabError as refused:
                refusals.append(str(refused))
    return refusals


def _locked(place: Path) -> int:
    """A descriptor with a lock that lasts until this one and its copies in other processes are closed."""
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _is_locked(place: Path) -> bool:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _delete_namespace(name: str) -> None:
    done = subprocess.run(["ip", "netns", "delete", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", check=False)
    if done.returncode != 0 and (NETNS / name).exists():
        raise LabError(f"could not delete network namespace {name}{tail(done.stdout)}")


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has ended
        return ""


def _stop(number: int, frame: object) -> None:
    raise Stopped(signal.Signals(number).name)
