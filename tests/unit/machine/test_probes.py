"""What answers on a port may be an attacker: a conversation ends, and what is read of it, too."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from smallmail.machine import probes


@contextlib.contextmanager
def saying(parts: Iterable[bytes], pause: float = 0.0) -> Iterator[int]:
    """Somebody who says this to each client. Yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        for part in parts:
                            connection.sendall(part)
                            time.sleep(pause)
                        while connection.recv(65536):
                            pass
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def test_a_conversation_of_smtp() -> None:
    said = [b"220 mx.example.org ESMTP\r\n", b"250-mx.example.org\r\n250 SIZE 1000\r\n", b"250 ok\r\n", b"221 bye\r\n"]
    with saying(said) as port, probes.smtp("127.0.0.1", port, 5) as connection:
        assert connection.ehlo()[0] == 250
        assert connection.esmtp_features == {"size": "1000"}
        assert connection.mail("<>")[0] == 250


@pytest.mark.parametrize("parts", [
    itertools.repeat(b"220-x\r\n"), itertools.repeat(b"2"), [b"220 x\r\n", *itertools.repeat(b"250-x\r\n", 1000)],
], ids=["lines", "bytes", "after the greeting"])  # fmt: skip
def test_a_server_that_drips_does_not_keep_us(parts: Iterable[bytes]) -> None:
    started = time.monotonic()
    with saying(parts, 0.1) as port, pytest.raises(OSError, match=r".*"), \
            probes.smtp("127.0.0.1", port, 0.5) as connection:
        assert connection.ehlo()[0] == -1
        raise OSError("it hung up")
    assert 0.9 < time.monotonic() - started < 10


def test_a_server_that_says_too_much_is_not_heard_out() -> None:
    parts = [b"220 x\r\n", *itertools.repeat(b"250-" + b"A" * 1000 + b"\r\n", 1000)]
    with saying(parts) as port, pytest.raises(OSError, match="too much"), \
            probes.smtp("127.0.0.1", port, 5) as connection:
        connection.ehlo()


def test_a_handshake_that_drips_does_not_keep_us() -> None:
    started = time.monotonic()
    # A record of TLS that is announced with 16 KiB (RFC 8446, 5.1).
    with saying([b"\x16\x03\x03\x40\x00", *itertools.repeat(b"\x02", 1000)], 0.1) as port:
        with pytest.raises(OSError, match=r".*"), \
                probes.connection_to("127.0.0.1", port, 0.5, probes.any_certificate()):
            pytest.fail("no handshake")
        assert not probes.greets(port, tls=False, greeting=b"220", farewell=b"")
    assert time.monotonic() - started < 10


def test_starttls_that_drips_does_not_keep_us() -> None:
    started = time.monotonic()
    said = [b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b"\x16\x03\x03\x40\x00",
            *itertools.repeat(b"\x02", 1000)]
    with saying(said, 0.1) as port, pytest.raises(OSError, match=r".*"), \
            probes.smtp("127.0.0.1", port, 0.6) as connection:
        connection.ehlo()
        with pytest.raises(OSError, match="EOF|timed out|closed"):
            connection.starttls(context=probes.any_certificate())
        raise OSError("it hung up")
    assert 0.5 < time.monotonic() - started < 10


def test_a_greeting() -> None:
    with saying([b"220 mx.example.org ESMTP\r\n"]) as port:
        assert probes.greets(port, tls=False, greeting=b"220", farewell=b"QUIT\r\n", address="127.0.0.1")
        assert not probes.greets(port, tls=False, greeting=b"* OK", farewell=b"", address="127.0.0.1")
