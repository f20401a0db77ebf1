"""Machines: trees booted with a systemd of their own, each on a network and in a control group of its own.

systemd-nspawn boots them, also where the host's own first process is not systemd; nothing is registered.
"""

from __future__ import annotations

import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from .chroot import Host
from .errors import LabError, tail, until
from .network import Namespace, ipv6
from .session import current
from .tree import Tree

NSPAWN_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_SECCOMP": "0",
    "UNIFIED_CGROUP_HIERARCHY": "1",  # the newest systemd refuses the old one; this serves them all
}


class Memory(NamedTuple):
    """Proportional set sizes in KiB: what all processes share is counted once."""

    total: int
    by_name: dict[str, int]


class Machine(Host):
    """A Debian host that boots from a cached root; a `with` block ends in its removal."""

    def __init__(self, layers: Sequence[Path], name: str, address: str, *, resolver: str = "203.0.113.53",
                 prepare: Callable[[Machine], object] | None = None, durable: bool = False,
                 disk: bool = False, start: Sequence[str] = ()) -> None:
        """`name` is the whole host name; `prepare` is called before it boots, to run and write in its tree.

        `durable` lets the machine wait for its disk, where speed is measured; `disk` gives it one of its own. `start`
        is a command that starts the machine's first process, whose words follow it.
        """
        self.name, self.address, self.address6 = name, address, ipv6(address)
        self._start = start
        self._nspawn: subprocess.Popen[bytes] | None = None
        with ExitStack() as made:
            self.tree = Tree(layers, name, durable=durable, disk=disk)
            made.callback(self.tree.close)
            self.path = self.tree.path
            self.console = self.tree.folder / "console"
            self.network = Namespace(name, address)
            made.callback(self.network.close)
            self.group = current().group.child(self.tree.folder.name)
            made.callback(self._wait_end)
            made.callback(self.group.remove)
            self._write_identity(resolver)
            if prepare:
                prepare(self)
            if disk:
                self.tree.settle()  # what the lab puts there was always there
            self.boot()
            self._made = made.pop_all()

    def _write_identity(self, resolver: str) -> None:
        short = self.name.split(".")[0]
        self.write("/etc/hostname", f"{short}\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
                                 f"{self.address} {self.name} {short}\n")
        self.write("/etc/resolv.conf", f"nameserver {resolver}\n")
        # Without one, systemd would take it for a first boot and enable units as it likes (machine-id(5)).
        self.write("/etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)

    def enter(self, words: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """Booted, commands run in the machine's namespaces; before that, in its tree."""
        if not (leader := self.leader()):
            return super().enter(words, env)
        return ["nsenter", "-t", str(leader), "-m", "-p", "-u", "-i", "-C", "-n", "--root", "--wd",
                "/usr/bin/env", "-i", *(f"{k}={v}" for k, v in env.items()), *words]

    def boot(self) -> None:
        """Start it and wait until all units have started (or failed, which a test may ask for)."""
        command = [*self._start, "systemd-nspawn", "-q", "--register=no", "--keep-unit", "--boot", "--console=pipe",
                   f"--network-namespace-path={self.network.path}", f"--machine={self.network.name}",
                   "--resolv-conf=off", "--timezone=off", "--link-journal=no",
                   "--capability=CAP_NET_ADMIN", "-D", str(self.path)]
        with self.console.open("ab") as console:
            self._nspawn = self.group.child("nspawn").start(command, console, env=NSPAWN_ENVIRONMENT)
        self.wait_ready()

    def leader(self) -> int | None:
        """The process that is number 1 inside."""
        return next((pid for pid in self.group.child("nspawn").processes() if _is_first(pid)), None)

    def wait_ready(self, seconds: float = 60) -> None:
        until(self._is_ready, f"{self.name} to boot", seconds, self._last_words)

    def _is_ready(self) -> bool:
        if self._nspawn is None or self._nspawn.poll() is not None:
            raise LabError(f"{self.name} does not run{self._last_words()}")
        if not self.leader():
            return False
        state = self.run(["systemctl", "is-system-running"], check=False).stdout.strip()
        return state in ("running", "degraded")

    def journal(self, *units: str, lines: int = 25) -> str:
        """The end of what the machine's services (or these units) noted, to explain why a test fails."""
        chosen = [word for unit in units for word in ("-u", unit)]
        noted = self.run(["journalctl", "-q", "--no-pager", f"-n{lines}", *chosen], check=False).stdout
        return tail(noted, lines)

    def _last_words(self) -> str:
        return tail(self.console.read_text(encoding="utf-8", errors="replace"))

    def wait_port(self, port: int, seconds: float = 60) -> None:
        """Wait until somebody listens on a TCP port. (Rspamd does so well after its unit is active.)"""
        def listens() -> bool:
            return bool(self.run(["ss", "-Hltn", f"sport = :{port}"]).stdout)
        until(listens, f"port {port} of {self.name}", seconds, self.journal)

    def stop(self) -> None:
        """Shut down in order, and wait for the end."""
        self.run(["systemctl", "poweroff", "--no-block"])
        self._wait_end()

    def reboot(self) -> None:
        """Shut down in order, and boot again from the same disk."""
        before = self.leader()
        self.run(["systemctl", "reboot", "--no-block"])
        until(lambda: self._ended() or self.leader() not in (before, None), f"{self.name} to go down", 90)
        if self._ended():
            self.boot()
        else:  # nspawn itself has begun again
            self.wait_ready()

    def kill(self) -> None:
        """All that runs in it ends at once."""
        # The groups go, too: what a later systemd starts into new ones beside those that were killed, Linux kills.
        self.group.remove()
        self._wait_end()

    def cut_power(self) -> None:
        """The power goes, and with it all that was not synced to the disk; then it comes back."""
        self.tree.cut_power()
        self.kill()
        self.tree.restore_power()
        self.boot()

    def _ended(self) -> bool:
        return self._nspawn is None or self._nspawn.poll() is not None

    def _wait_end(self) -> None:
        until(self._ended, f"{self.name} to end", 90, self._last_words)

    def processes(self) -> dict[int, str]:
        """What runs in the machine: numbers as the host counts, and names. (Not what the tests run in it.)"""
        found = {}
        for pid in self.group.child("nspawn/payload").processes():
            try:
                found[pid] = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def memory(self) -> Memory:
        by_name: Counter[str] = Counter()
        for pid, name in self.processes().items():
            by_name[name] += _pss(pid)
        return Memory(by_name.total(), dict(by_name.most_common()))

    def close(self) -> None:
        """Undo all that was made, the last first; what cannot be undone keeps nothing else."""
        self._made.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _is_first(pid: int) -> bool:
    """Whether a process is number 1 of a namespace (NSpid, proc(5)), and has come so far as to be an init."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = dict(line.split(":", 1) for line in status)
    numbers = fields.get("NSpid", "").split()
    return len(numbers) > 1 and numbers[-1] == "1" and fields["Name"].strip() in ("systemd", "init")


def _pss(pid: int) -> int:
    """Of a process that has just ended, nothing."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1])
