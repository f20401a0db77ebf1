"""Ask ports and sockets of this host whether somebody answers there."""
import contextlib
import socket
import ssl

from smallmail.machine import ports

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


def greets(number: int, tls: bool, greeting: bytes, farewell: bytes, address: str = "") -> bool:
    """Tell whether who listens on that TCP port says that greeting first, at that address or wherever it listens.
    `tls`: TLS begins with the first byte; `farewell` ends the conversation."""
    address = address or ports.address(number)
    if not address:
        return False
    with contextlib.suppress(OSError), socket.create_connection((address, number), _GREETING) as plain, \
            any_certificate().wrap_socket(plain) if tls else plain as connection:
        if not greeting or connection.recv(len(greeting)) == greeting:
            connection.sendall(farewell)
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
