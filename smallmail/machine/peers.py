"""Tell whose process is at the other end of a TCP connection on this machine (proc(5): PID/net/tcp)."""
import os
import socket
import struct
from typing import Iterator, NamedTuple, Optional, Set, Tuple  # noqa: F401 (Set: in a type comment)

Endpoint = NamedTuple("Endpoint", [("address", str), ("port", int)])

_TABLES = (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6))


def owner(client: Endpoint, server: Endpoint, root: str = "/") -> Optional[int]:
    """Return the number of the UNIX user who has made the client's end of a connection. Returns None if the client is
    not on this machine, or has closed its socket: the kernel shows that as root's. `server.port` may be 0: not known.
    Raises OSError if the kernel does not tell."""
    found = set()   # type: Set[int]
    for near, far, user, inode in _connections(root):
        if near == client and (far == server or not server.port):
            found.add(user if inode else -1)
    return found.pop() if len(found) == 1 and -1 not in found else None


def _connections(root: str) -> Iterator[Tuple[Endpoint, Endpoint, int, int]]:
    """Yield both ends of each socket, its owner, and its inode; that is 0 if no process has it open any more."""
    for table, family in _TABLES:
        # A sandbox of systemd may hide /proc/net (ProcSubset=pid in Debian 13's unit of Postfix).
        path = os.path.join(root, "proc/self/net", table)
        if table != "tcp" and not os.path.exists(path):
            continue    # a kernel without IPv6
        with open(path, encoding="ascii") as stream:
            next(stream)    # the names of the columns
            for fields in (line.split() for line in stream):
                yield _endpoint(fields[1], family), _endpoint(fields[2], family), int(fields[7]), int(fields[9])


def _endpoint(text: str, family: int) -> Endpoint:
    digits, _, port = text.partition(":")
    # Words of 32 bits, each printed as this processor reads it.
    words = [int(digits[start:start + 8], 16) for start in range(0, len(digits), 8)]
    address = socket.inet_ntop(family, struct.pack("={}I".format(len(words)), *words))
    # A socket for IPv6 may be connected by IPv4 (RFC 4291, 2.5.5.2).
    return Endpoint(address.replace("::ffff:", "") if "." in address else address, int(port, 16))
