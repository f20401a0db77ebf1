"""What Dovecot and others say to the daemon, over a real socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from smallmail.bans.server import _CONNECTIONS, Server

KEY = "5ec7e7"


class Served:
    """The daemon's loop in a thread, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.server = Server(self.listening, KEY, self._answer)
        self.ends = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _answer(self, command: str, values: dict[str, Any]) -> int:
        self.asked.append((command, values))
        return -1 if values.get("login") == "guesser" else 3

    def _run(self) -> None:
        while not self.ends:
            self.server.serve(time.monotonic(), 0.05)

    def connect(self) -> socket.socket:
        made = socket.create_connection(self.listening.getsockname())
        made.settimeout(5)
        return made

    def say(self, words: bytes) -> bytes:
        with self.connect() as connection:
            connection.sendall(words)
            return connection.recv(4096)


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.ends = True
    made.thread.join()
    made.server.close()
    made.listening.close()


def question(body: bytes, key: str = KEY, command: str = "allow", more: str = "") -> bytes:
    """As Dovecot 2.4 sends it."""
    head = (f"POST /?command={command} HTTP/1.1\r\nHost: 127.0.0.1:879\r\nDate: Thu, 26 Nov 2026 22:00:00 GMT\r\n"
            f"User-Agent: dovecot/auth-policy-client\r\nConnection: Keep-Alive\r\nContent-Type: application/json\r\n"
            f"X-API-Key: {key}\r\nContent-Length: {len(body)}\r\n{more}\r\n")
    return head.encode() + body


def test_a_question_is_answered_whole_or_in_pieces(served: Served) -> None:
    asked = question(b'{"login":"guesser"}')
    assert json.loads(served.say(asked).partition(b"\r\n\r\n")[2]) == {"status": -1, "msg": ""}
    with served.connect() as connection:
        for piece in (asked[:5], asked[5:180], asked[180:-3], asked[-3:]):
            connection.sendall(piece)
            time.sleep(0.02)
        assert connection.recv(4096).endswith(b'{"status": -1, "msg": ""}')
        connection.sendall(question(b'{"login":"x"}') + question(b"{}", command="report"))
        said = connection.recv(4096)
        while said.count(b"status") < 2:
            said += connection.recv(4096)
    assert [command for command, _ in served.asked] == ["allow", "allow", "allow", "report"]


@pytest.mark.parametrize("words", [
    question(b"{}", key=""), question(b"{}", key="5ec7e8"), question(b"{}", key="\u00fc"), question(b"[]"),
    question(b"{"), question(b"[" * 60000), b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"\0" * 9000,
    question(b"x" * 60000).replace(b"60000", b"70000"), question(b"{}").replace(b": 2", b": -2"),
    question(b"{}", more="Transfer-Encoding: chunked\r\n"), b"A: b\r\n" * 5000,
])  # fmt: skip
def test_what_is_no_question_is_cut_off(served: Served, words: bytes) -> None:
    assert served.say(words) == b""
    assert served.asked == []
    assert b"200 OK" in served.say(question(b"{}"))


def test_silent_connections_keep_nobody_waiting(served: Served) -> None:
    silent = []
    for number in range(_CONNECTIONS + 20):
        silent.append(served.connect())
        silent[-1].sendall(b"POST"[: number % 5])
    started = time.monotonic()
    assert b"200 OK" in served.say(question(b"{}"))
    assert time.monotonic() - started < 2
    assert len(served.server._connections) <= _CONNECTIONS
    for connection in silent:
        connection.close()


def test_a_flood_neither_ends_the_daemon_nor_cuts_off_dovecot(served: Served) -> None:
    """Connections of others come and go in the same round, so that one is closed that has just said something."""
    with served.connect() as dovecot:
        dovecot.sendall(question(b"{}"))
        assert b"200 OK" in dovecot.recv(4096)
        others: list[socket.socket] = []
        for number in range(3 * _CONNECTIONS):
            others.append(served.connect())
            with contextlib.suppress(OSError):
                others[max(0, number - _CONNECTIONS + number % 7)].sendall(b"POST")
            if number % 3:
                others[number // 2].close()
                others[number // 2] = others[-1]
        dovecot.sendall(question(b"{}"))
        assert b"200 OK" in dovecot.recv(4096)
        for connection in others:
            connection.close()
    assert served.thread.is_alive()


def test_an_idle_connection_is_closed(served: Served) -> None:
    served.ends = True
    served.thread.join()
    with served.connect() as connection:
        served.server.serve(1000.0, 0.5)
        assert len(served.server._connections) == 1
        served.server.serve(1061.0, 0)
        assert connection.recv(1) == b""
