"""Connect to ports and sockets of the machine that runs this code, to see what answers there."""
import contextlib
import socket
from typing import Any

from smallmail.machine import port_holders

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


def connects(path: str) -> bool:
    """Tell whether a process accepts connections on that unix socket (a path of this machine)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(path)
        except OSError:
            return False
        return True
