"""What was carried out of larger files: see the names below."""
import contextlib
import socket
import ssl
from typing import NamedTuple

from smallmail.machine import ports

Port = NamedTuple("Port", [
    ("number", int),
    ("service", str),
    ("tls", bool),          # from the first byte on
    ("greeting", bytes),    # what is said first to whoever connects
    ("farewell", bytes),
])

# How long one daemon may take to greet, in seconds, before it is asked again.
_GREETING = 10.0


def listening(number: int) -> bool:
    """Whether something on this host takes connections on that TCP port, at whatever address."""
    return bool(ports.address(number))


def any_certificate() -> ssl.SSLContext:
    """For talking TLS to our own daemons: whose certificate it is, is another question."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def greets(port: Port, address: str = "") -> bool:
    """Whether the daemon behind that port says what it should to whoever connects, there or wherever it listens."""
    address = address or ports.address(port.number)
    if not address:
        return False
    with contextlib.suppress(OSError), socket.create_connection((address, port.number), _GREETING) as plain, \
            any_certificate().wrap_socket(plain) if port.tls else plain as connection:
        if not port.greeting or connection.recv(len(port.greeting)) == port.greeting:
            connection.sendall(port.farewell)
            return True
    return False


def connects(path: str) -> bool:
    """Whether a process takes connections on that unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(path)
        except OSError:
            return False
        return True
