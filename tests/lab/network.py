"""The lab's network: a namespace for each host, all on one switch that has a namespace of its own.

Nothing is in the host's own namespace, so deleting the namespaces deletes every interface. The addresses are
those of TEST-NET-3 (RFC 5737) and of the documentation prefix (RFC 3849): mail software treats them as it
treats the internet, which it does not with private ones.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from .errors import LabError, tail
from .session import NETNS, current

GATEWAY = "203.0.113.1"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ipv6(address: str) -> str:
    """The IPv6 address that goes with a lab's IPv4 address: the last number is the same to the eye."""
    return f"2001:db8:113::{address.rsplit('.', 1)[1]}"


class Namespace:
    """A network namespace with an interface eth0 on the lab's switch."""

    def __init__(self, name: str, *addresses: str) -> None:
        """The first address is the one that it speaks from; each brings its IPv6 twin."""
        self.name = _add(name)
        self._port = f"port{addresses[0].rsplit('.', 1)[1]}"
        with ExitStack() as made:
            made.callback(_ip, f"netns delete {self.name}")
            self._switch = _switch()
            self._connect(addresses)
            made.pop_all()

    def _connect(self, addresses: Sequence[str]) -> None:
        _ip(f"link add eth0 netns {self.name} type veth peer name {self._port} netns {self._switch}")
        _ip(f"link set {self._port} master switch", f"link set {self._port} up", netns=self._switch)
        _ip("link set eth0 up",
            *(f"address add {address}/24 dev eth0" for address in addresses),
            f"address add {ipv6(addresses[0])}/64 dev eth0 nodad",
            # Of several, IPv6 speaks from the one that is not deprecated (RFC 6724, 5, rule 3).
            *(f"address add {ipv6(address)}/64 dev eth0 nodad preferred_lft 0" for address in addresses[1:]),
            netns=self.name)
        if GATEWAY not in addresses:
            _ip(f"route add default via {GATEWAY}", f"route add default via {ipv6(GATEWAY)}", netns=self.name)

    def enter(self, words: Sequence[str]) -> list[str]:
        """The command that runs `words` on this network. (`ip netns exec` would keep the lab's mounts.)"""
        return ["nsenter", f"--net={self.path}", *words]

    @property
    def path(self) -> Path:
        return NETNS / self.name

    def answer_for(self, addresses: Sequence[str]) -> None:
        """Let it have foreign addresses, too, that are not on the switch."""
        _ip(*(f"address add {address} dev lo" for address in addresses), netns=self.name)

    def forward(self) -> None:
        """Make it a router: one that knows no way says so at once (RFC 1812, 5.2.7.1)."""
        with inside(self):
            for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                Path("/proc/sys/net", switch).write_text("1", encoding="ascii")

    def close(self) -> None:
        with ExitStack() as steps:  # the last is the first
            steps.callback(_ip, f"netns delete {self.name}")
            steps.callback(_ip, f"link delete {self._port}", netns=self._switch)


def inside(namespace: Namespace) -> AbstractContextManager[None]:
    """Sockets that this thread makes in the block are on the namespace's network, and stay there."""
    return _entered(namespace.name)


@contextmanager
def _entered(name: str) -> Iterator[None]:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        away = os.open(NETNS / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(away)
        finally:
            os.close(away)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _switch() -> str:
    """The namespace of the switch, which the session's first host makes."""
    name = current().netns("switch")
    if not (NETNS / name).exists():
        _add("switch")
        _ip("link add switch type bridge mcast_snooping 0", "link set switch up", netns=name)
    return name


def _add(name: str) -> str:
    full = current().netns(name)
    _ip(f"netns add {full}")
    _ip("link set lo up", netns=full)
    with _entered(full):  # addresses are ours alone: do not wait to find out whether somebody has them
        for which in ("all", "default"):
            Path(f"/proc/sys/net/ipv6/conf/{which}/accept_dad").write_text("0", encoding="ascii")
    return full


def _ip(*lines: str, netns: str | None = None) -> None:
    command = ["ip", *(["-n", netns] if netns else []), "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", check=False)
    if done.returncode != 0:
        raise LabError(f"ip: {'; '.join(lines)}{tail(done.stdout)}")
