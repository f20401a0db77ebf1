"""Control groups: every process that the lab starts is in one, to be counted, measured and killed by group.

All that is used is the second version of control groups, which a host has at /sys/fs/cgroup, or beside the
old hierarchies (cgroups(7)). Groups live at the top of it, below one group a session.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from .errors import LabError, tail, until

# Enters the group before the program starts: what it forks is born there and nothing can slip away.
ENTER = 'echo $$ >"$0"/cgroup.procs && exec "$@"'


def hierarchies(kind: str) -> list[Path]:
    """Where file systems of a kind ("cgroup2", "cgroup") are mounted."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    return [Path(mount[1]) for mount in mounts if mount[2] == kind]


class Group:
    """A control group and the groups below it."""

    def __init__(self, name: str) -> None:
        found = hierarchies("cgroup2")
        if not found:
            raise LabError("this host mounts no control groups of version 2 (cgroup2)")
        self.name = name
        self.path = found[0] / name

    def child(self, name: str) -> Group:
        return Group(f"{self.name}/{name}")

    def enter(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` inside this group."""
        self.path.mkdir(parents=True, exist_ok=True)
        return ["/bin/sh", "-c", ENTER, str(self.path), *command]

    def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None,
            input: str | bytes | None = None, check: bool = True,  # noqa: A002
            timeout: float | None = None, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run to the end, with the output caught (stderr apart).

        When it fails and `check` is true, a LabError tells the command as `said`: not how we got there.
        """
        given = input.encode() if isinstance(input, str) else input
        stdin: dict[str, Any] = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
        done = subprocess.run(self.enter(command), env=env, capture_output=True, check=False, timeout=timeout,
                              **stdin)
        stdout, stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if check and done.returncode != 0:
            told = said or " ".join(command)
            raise LabError(f"exit code {done.returncode} from: {told}{tail(stdout + stderr)}")
        return subprocess.CompletedProcess(list(command), done.returncode, stdout, stderr)

    def start(self, command: Sequence[str], log: IO[bytes] | int, *,
              env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start what stays; in a session of its own, so that a terminal's Ctrl-C is ours alone to act on."""
        return subprocess.Popen(self.enter(command), env=env, stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT, start_new_session=True)

    def processes(self) -> list[int]:
        """The processes in the group and below it."""
        found: list[int] = []
        for folder, _, _ in os.walk(self.path):
            try:
                found += map(int, Path(folder, "cgroup.procs").read_text(encoding="ascii").split())
            except OSError:  # a group that went while we looked (ENOENT, ENODEV)
                continue
        return sorted(found)

    def kill(self) -> None:
        """Kill all there is, at once, and wait until it is gone."""
        if not self.path.exists():
            return
        if (self.path / "cgroup.kill").exists():  # Linux 5.14
            (self.path / "cgroup.kill").write_text("1", encoding="ascii")
        until(self._killed, f"the processes of control group {self.name} to die", 30)

    def _killed(self) -> bool:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        return not self.processes()

    def remove(self) -> None:
        """Kill what is left, remove the groups, and those that nspawn named after them in old hierarchies."""
        self.kill()
        for top in [self.path, *(old / self.name for old in hierarchies("cgroup"))]:
            for folder, _, _ in os.walk(top, topdown=False):
                until(partial(_removed, folder), f"control group {folder} to be empty", 10)


def _removed(folder: str) -> bool:
    """A process that is dying is in no list any more and still in the way."""
    try:
        os.rmdir(folder)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True
