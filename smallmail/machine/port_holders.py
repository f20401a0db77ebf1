"""Find the program that listens on a TCP port, in /proc (proc(5): net/tcp, PID/fd). Changes nothing.

This module is also part of the package's debconf `config` script, where only Python's standard library is at hand.
"""
import contextlib
import itertools
import os
import socket
import struct
import time
from collections import OrderedDict
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple  # noqa: F401 (Tuple: in a type comment)

# `address`: where this host itself reaches it; `is_everywhere`: at all addresses of this host.
Listener = NamedTuple("Listener", [("port", int), ("address", str), ("inode", str), ("is_everywhere", bool)])
Holder = NamedTuple("Holder", [("port", int), ("name", str), ("pid", int)])

# The socket units that systemd starts with the machine.
_SOCKET_UNITS = "etc/systemd/system/sockets.target.wants"
_UNSEEN = "a program that cannot be seen from here"
_LISTEN = "0A"      # the kernel's TCP_LISTEN
_MAPPED = "::ffff:"
_LOOPBACK = ("127.", "::1")

# A user can open a million files, and start as many processes, to keep root looking: seconds for all, files for one.
_PATIENCE = 5.0
_MOST_FILES = 8192
_FIRST_PERSON = 1000    # the lowest number of a person's user (Policy 9.2.2)


def taken(numbers: Iterable[int], programs: Iterable[str], socket_units: Iterable[str] = (),
          root: str = "/") -> List[Holder]:
    """List the programs that hold one of these ports, by port, except for `programs` (full paths or the beginnings of
    them), and for systemd if one of those socket units is enabled.

    Returns nothing in a chroot, which sees the ports of the machine around it.
    """
    if not os.path.isdir(os.path.join(root, "run/systemd/system")):
        return []
    chosen, beginnings = set(numbers), tuple(programs)
    by_socket_unit = any(os.path.lexists(os.path.join(root, _SOCKET_UNITS, unit)) for unit in socket_units)
    sockets = {listener.inode: listener.port for listener in listening(root) if listener.port in chosen}
    found = []  # type: List[Holder]
    for inode, holders in sorted(_holders(root, sockets).items(), key=lambda item: sockets[item[0]]):
        if any(_program(root, pid).startswith(beginnings) for pid in holders):
            continue
        if holders == [1] and by_socket_unit:
            continue
        pid = holders[0] if holders else 0
        holder = Holder(sockets[inode], _name(root, pid) if pid else _UNSEEN, pid)
        if not any(other[:2] == holder[:2] for other in found):
            found.append(holder)    # else it is the same program on IPv6
    return found


def holder(port: int, root: str = "/") -> Optional[Holder]:
    """Return the program that listens on that port, as holders() finds it; None if there is none."""
    return holders([port], root).get(port)


def holders(ports: Iterable[int], root: str = "/") -> Dict[int, Holder]:
    """Find the programs that listen on these ports. Returns one for each port on which one listens, first of all one
    that others can reach."""
    wanted = set(ports)
    found = OrderedDict()   # type: Dict[int, Holder]
    listeners = {listener.inode: listener for listener in listening(root) if listener.port in wanted}
    sockets = {inode: listener.port for inode, listener in listeners.items()}
    order = {inode: (listener.port, not is_reachable(listener), inode) for inode, listener in listeners.items()}
    for inode, pids in sorted(_holders(root, sockets).items(), key=lambda item: order[item[0]]):
        # systemd may have opened it for a program that runs.
        pid = next((each for each in pids if each != 1), pids[0] if pids else 0)
        found.setdefault(sockets[inode], Holder(sockets[inode], _name(root, pid) if pid else _UNSEEN, pid))
    return found


def words(holder: Holder) -> str:
    """Name the program, for people."""
    return "{} (pid {})".format(holder.name, holder.pid) if holder.pid else holder.name


def listening(root: str = "/") -> Iterator[Listener]:
    """List all TCP sockets that accept connections."""
    for table, family, itself in (("proc/net/tcp", socket.AF_INET, "127.0.0.1"),
                                  ("proc/net/tcp6", socket.AF_INET6, "::1")):
        path = os.path.join(root, table)
        if not os.path.exists(path):
            continue
        with open(path, encoding="ascii") as stream:
            for fields in (line.split() for line in stream):
                digits, _, port = fields[1].rpartition(":")
                if fields[3] == _LISTEN:
                    # Words of 32 bits, each printed as this processor reads it.
                    words = [int(digits[start:start + 8], 16) for start in range(0, len(digits), 8)]
                    address = socket.inet_ntop(family, struct.pack("={}I".format(len(words)), *words))
                    here = itself
                    if address.startswith(_MAPPED):     # an IPv4 address at a socket of IPv6 (ipv6(7))
                        address, here = address[len(_MAPPED):], "127.0.0.1"
                    is_everywhere = not any(words) or address == "0.0.0.0"  # noqa: S104 (nothing is bound)
                    yield Listener(int(port, 16), here if is_everywhere else address, fields[9], is_everywhere)


def is_reachable(listener: Listener) -> bool:
    """Tell whether other machines can reach the listener, unless a firewall keeps them out."""
    return listener.is_everywhere or not listener.address.startswith(_LOOPBACK)


def address(number: int, root: str = "/") -> str:
    """Return the address at which this machine reaches the listener on that TCP port; empty if nothing listens."""
    return next((listener.address for listener in listening(root) if listener.port == number), "")


def _holders(root: str, sockets: Dict[str, int]) -> Dict[str, List[int]]:
    """Map each of these sockets to the processes that have it open, the oldest first."""
    found = {inode: [] for inode in sockets}  # type: Dict[str, List[int]]
    end = time.monotonic() + _PATIENCE
    for pid in _pids(root) if found else ():
        if time.monotonic() > end:
            break
        for target in _open_files(os.path.join(root, "proc", str(pid), "fd")):
            inode = target[len("socket:["):-1]
            if target.startswith("socket:[") and inode in found and pid not in found[inode]:
                found[inode].append(pid)
    return {inode: sorted(pids) for inode, pids in found.items()}


def _pids(root: str) -> Iterator[int]:
    """Yield the processes, those of the system's own users first: the others may have started very many."""
    processes = []  # type: List[Tuple[bool, int]]
    for name in filter(str.isdigit, os.listdir(os.path.join(root, "proc"))):
        with contextlib.suppress(OSError):  # it has ended
            processes.append((os.stat(os.path.join(root, "proc", name)).st_uid >= _FIRST_PERSON, int(name)))
    return (pid for _, pid in sorted(processes))


def _open_files(folder: str) -> Iterator[str]:
    """Yield what a process has open, as far as it is not too much: a socket for a port is among the first."""
    try:
        numbers = [entry.name for entry in itertools.islice(os.scandir(folder), _MOST_FILES)]
    except OSError:
        return  # the process has ended
    for number in numbers:
        try:
            yield os.readlink(os.path.join(folder, number))
        except OSError:
            continue


def _program(root: str, pid: int) -> str:
    try:
        return os.readlink(os.path.join(root, "proc", str(pid), "exe"))
    except OSError:
        return ""


def _name(root: str, pid: int) -> str:
    try:
        with open(os.path.join(root, "proc", str(pid), "comm"), encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return "a program"
