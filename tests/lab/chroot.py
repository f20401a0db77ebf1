"""Chroots: a tree with /proc, /sys and a small /dev, in which commands run and no service starts."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from . import mounts
from .errors import LabError, tail, until
from .groups import Group
from .network import Namespace
from .session import current
from .tree import Tree

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "DEBIAN_FRONTEND": "noninteractive",
}
NOBODY_STARTS = "#!/bin/sh\n# 101: starting is forbidden (invoke-rc.d's policy)\nexit 101\n"


class Host:
    """What chroots and machines have in common: commands run in them, files are read and written."""

    path: Path
    group: Group

    def enter(self, words: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """The command that runs `words` in there with exactly this environment."""
        return ["chroot", str(self.path), "/usr/bin/env", "-i", *(f"{k}={v}" for k, v in env.items()), *words]

    def run(self, command: str | Sequence[str], *, env: Mapping[str, str] | None = None,
            input: str | bytes | None = None, check: bool = True,  # noqa: A002
            timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command, given as words or as a line for sh; a LabError when it fails and `check` is true."""
        words = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        return self.group.run(self.enter(words, {**ENVIRONMENT, **(env or {})}),
                              input=input, check=check, timeout=timeout, said=" ".join(words))

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file in there, as the host in there sees the path (no link leads out of it)."""
        name = shlex.quote(path)
        self.run(f'mkdir -p "$(dirname {name})" && rm -f {name} && cat >{name} && chmod {mode:o} {name}',
                 input=content)

    def read(self, path: str) -> str:
        return self.run(["cat", path]).stdout


class Chroot(Host):
    """A tree to run commands in, that has gone when the `with` block ends."""

    def __init__(self, layers: Sequence[Path], name: str = "chroot", *, network: bool = False) -> None:
        """`network` lets its programs find names as this host does, to reach the archive."""
        self.tree = Tree(layers, name)
        self.path = self.tree.path
        self.group = current().group.child(self.tree.folder.name)
        with ExitStack() as made:
            made.callback(self.close)
            self._mount(network)
            self.write("/usr/sbin/policy-rc.d", NOBODY_STARTS, 0o755)
            made.pop_all()

    def _mount(self, network: bool) -> None:
        mounts.mount("-t", "proc", "proc", self.path / "proc")
        mounts.mount("-t", "sysfs", "-o", "ro", "sysfs", self.path / "sys")
        mounts.mount("-t", "tmpfs", "-o", "mode=0755,size=1m", "dev", self.path / "dev")
        for device in ("null", "zero", "full", "random", "urandom", "tty"):
            (self.path / "dev" / device).touch()
            mounts.mount("--bind", f"/dev/{device}", self.path / "dev" / device)
        for folder, kind in (("pts", "devpts"), ("shm", "tmpfs")):
            (self.path / "dev" / folder).mkdir()
            options = "newinstance,ptmxmode=0666" if kind == "devpts" else "mode=1777"
            mounts.mount("-t", kind, "-o", options, kind, self.path / "dev" / folder)
        (self.path / "dev/ptmx").symlink_to("pts/ptmx")
        (self.path / "dev/fd").symlink_to("/proc/self/fd")
        for number, stream in enumerate(("stdin", "stdout", "stderr")):
            (self.path / "dev" / stream).symlink_to(f"/proc/self/fd/{number}")
        if network:
            (self.path / "etc/resolv.conf").unlink(missing_ok=True)
            (self.path / "etc/resolv.conf").touch()
            mounts.mount("--bind", "/etc/resolv.conf", self.path / "etc/resolv.conf")

    def daemon(self, name: str, words: Sequence[str], namespace: Namespace,
               answers: Callable[[], bool]) -> None:
        """Start a program that stays, on one of the lab's networks, and wait until it answers."""
        file = self.tree.folder / f"{name}.log"
        with file.open("wb") as log:
            process = self.group.start(namespace.enter(self.enter(words, ENVIRONMENT)), log)

        def last_words() -> str:
            return tail(file.read_text(encoding="utf-8", errors="replace"))

        def ready() -> bool:
            if process.poll() is not None:
                raise LabError(f"{name} has ended{last_words()}")
            return answers()

        until(ready, f"{name} to answer", 20, last_words)

    def keep(self, layer: Path) -> None:
        """Let what was installed in here become a layer of the cache, for hosts whose services do start."""
        self.run(["rm", "/usr/sbin/policy-rc.d"])
        self.group.remove()
        self.tree.keep(layer)

    def close(self) -> None:
        with ExitStack() as steps:  # the last is the first
            steps.callback(self.tree.close)
            steps.callback(self.group.remove)

    def __enter__(self) -> Chroot:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
