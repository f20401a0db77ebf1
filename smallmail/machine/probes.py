"""Connect to ports and sockets of the machine that runs this code, to see what answers there."""
import contextlib
import os
import socket
from typing import Any

from smallmail.machine import port_holders, walk

# Seconds that a daemon may take for its greeting.
_GREETING = 10.0


def listening(number: int) -> bool:
    """Tell whether a process listens on that TCP port, on any address of this machine."""
    return bool(port_holders.address(number))


def any_certificate() -> Any:
    """Return a TLS context for our own daemons, one that accepts every certificate: served.py compares certificates."""
    import ssl  # noqa: PLC0415 (few verbs talk TLS)

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def greets(number: int, tls: bool, greeting: bytes, farewell: bytes, address: str = "") -> bool:
    """Connect to a TCP port and tell whether the server's first line begins with that greeting. `tls`: TLS begins with
    the first byte; `farewell` ends the conversation; `address`: where to connect, else wherever the server listens."""
    address = address or port_holders.address(number)
    if not address:
        return False
    with contextlib.suppress(OSError), socket.create_connection((address, number), _GREETING) as plain, \
            any_certificate().wrap_socket(plain) if tls else plain as connection:
        if not greeting or connection.recv(len(greeting)) == greeting:
            connection.sendall(farewell)
            return True
    return False


def connects(root: str, path: str) -> bool:
    """Tell whether a process accepts connections on that unix socket, whose path is below `root`."""
    try:
        with unix_socket(root, path, 2):
            return True
    except OSError:
        return False


def unix_socket(root: str, path: str, seconds: float) -> socket.socket:
    """Connect to a unix socket of a daemon, which may be in the daemon's own folder: no link is followed from there.
    `seconds`: how long each step may take. Returns the connection. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        with walk.to(root, path) as place:
            descriptor = os.open(place.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.folder)
            try:
                connection.connect("/proc/self/fd/{}".format(descriptor))   # proc(5)
            finally:
                os.close(descriptor)
    except BaseException as error:
        connection.close()
        if isinstance(error, walk.Diverted):
            raise OSError(str(error))
        raise
    return connection
