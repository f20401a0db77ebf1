"""Connect to ports and sockets of the machine that runs this code, to see what answers there.

What answers may be in the hands of an attacker: each conversation has an end, and so has what is read.
"""
import contextlib
import os
import socket
import threading
from typing import Any, Callable, Iterator, Optional

from smallmail.machine import port_holders, walk

# Seconds that a daemon may take for its greeting.
_GREETING = 10.0
# Bytes in all that a daemon says in a conversation of SMTP: an answer to EHLO has a few hundred.
_LONGEST = 1 << 16


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
    with contextlib.suppress(OSError), connection_to(address, number, _GREETING, any_certificate() if tls else None) \
            as connection:
        if not greeting or connection.recv(len(greeting)) == greeting:
            connection.sendall(farewell)
            return True
    return False


@contextlib.contextmanager
def ending(connection: Callable[[], Any], seconds: float) -> Iterator[None]:
    """Hang up in the middle of the block after so long: a socket's own time begins anew with each byte. `connection`
    returns the socket that is in use then, or None."""
    def hang_up() -> None:
        with contextlib.suppress(OSError):      # it has been closed
            used = connection()
            if used:
                used.shutdown(socket.SHUT_RDWR)

    end = threading.Timer(seconds, hang_up)
    end.daemon = True
    end.start()
    try:
        yield
    finally:
        end.cancel()


@contextlib.contextmanager
def connection_to(address: str, number: int, seconds: float, context: Any = None, name: Optional[str] = None
                  ) -> Iterator[Any]:
    """Connect to a TCP port, with TLS if `context` is given; `name`: of the server, for TLS. Each step may take so
    long, and all of them twice as long. Yields the connection. Raises OSError."""
    with socket.create_connection((address, number), seconds) as plain:
        if context is None:
            with ending(lambda: plain, 2 * seconds):
                yield plain
            return
        with context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False) as encrypted, \
                ending(lambda: encrypted, 2 * seconds):
            encrypted.do_handshake()
            yield encrypted


@contextlib.contextmanager
def smtp(address: str, number: int, seconds: float, source: str = "", name: str = "localhost") -> Iterator[Any]:
    """Talk SMTP there. Each step may take so long, and all of them twice as long. `source`: the address to connect
    from; `name`: what we call ourselves. Yields an smtplib.SMTP. Raises OSError, which smtplib's errors are."""
    import smtplib  # noqa: PLC0415 (few verbs talk SMTP)

    class Conversation(smtplib.SMTP):
        """One in which the server does not say more than _LONGEST."""

        left = _LONGEST

        def getreply(self) -> Any:
            if self.file is None:   # type: ignore[has-type]
                self.file = _Reader(self)
            return super().getreply()

    connection = Conversation(local_hostname=name, timeout=seconds, source_address=(source, 0) if source else None)
    # starttls() needs it, and only a constructor that connects at once sets it.
    connection._host = address  # type: ignore[attr-defined]
    with ending(lambda: connection.sock, 2 * seconds), connection:
        connection.connect(address, number)
        yield connection


class _Reader:
    """What smtplib reads lines from."""

    def __init__(self, conversation: Any) -> None:
        self._conversation = conversation
        self._stream = conversation.sock.makefile("rb")
        self.close = self._stream.close

    def readline(self, size: int) -> bytes:
        line = bytes(self._stream.readline(size))
        self._conversation.left -= len(line)
        if self._conversation.left < 0:
            raise OSError("it says too much")
        return line


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
