"""Answer Dovecot's questions: the little of HTTP/1.1 that its auth policy client speaks, on one thread.

Where nftables does not keep them out (packets.py), all local users can connect. So a question counts only with the key
in X-API-Key; no connection can keep others waiting; what is too long, malformed or slow loses its connection, and when
there are too many, one that has not shown the key yet. Dovecot then lets the login go on.
"""
import contextlib
import hmac
import json
import selectors
import socket
from typing import Any, Callable, Dict, Optional, Tuple, Union  # noqa: F401 (in type comments)

PORT = 879      # of smallmail-bans.socket

# Bytes of a question's head and body: a name and a password's hash are short.
_HEAD, _BODY = 8192, 65536
_CONNECTIONS = 200
_AT_ONCE = 50       # accepted before the others are read again
_IDLE = 60.0

# What is asked ("allow", "report") and with which values; returns the status.
Answer = Callable[[str, Dict[str, Any]], int]


class Malformed(Exception):
    """What came is not a question of Dovecot's."""


class _Connection:
    def __init__(self, plain: socket.socket, now: float) -> None:
        self.plain, self.seen = plain, now
        self.came = b""
        self.has_shown_key = False


class Server:
    """Serves the connections of one listening socket."""

    def __init__(self, listening: socket.socket, key: str, answer: Answer) -> None:
        self._key, self._answer = key.encode("ascii"), answer
        self._connections = {}      # type: Dict[int, _Connection]
        self._listening = listening
        self._selector = selectors.DefaultSelector()
        listening.setblocking(False)
        self._selector.register(listening, selectors.EVENT_READ)

    def serve(self, now: float, seconds: float) -> None:
        """Answer what has come, or what comes within so many seconds."""
        ready = [chosen.fd for chosen, _ in self._selector.select(seconds)]
        for connection in [self._connections[number] for number in ready if number in self._connections]:
            self._read(connection, now)
        if self._listening.fileno() in ready:
            self._accept(now)
        for connection in list(self._connections.values()):
            if not now - _IDLE < connection.seen <= now:
                self._close(connection)

    def close(self) -> None:
        """Close all connections; the listening socket is systemd's."""
        for connection in list(self._connections.values()):
            self._close(connection)
        self._selector.close()

    def _accept(self, now: float) -> None:
        with contextlib.suppress(OSError):      # nobody waits any more
            for _ in range(_AT_ONCE):
                plain, _ = self._listening.accept()
                plain.setblocking(False)
                if len(self._connections) >= _CONNECTIONS:
                    self._close(min(self._connections.values(), key=lambda each: (each.has_shown_key, each.seen)))
                self._connections[plain.fileno()] = _Connection(plain, now)
                self._selector.register(plain, selectors.EVENT_READ)

    def _read(self, connection: _Connection, now: float) -> None:
        try:
            came = connection.plain.recv(_BODY)
            connection.came += came
            connection.seen = now
            if not came:
                raise Malformed()
            question = parsed(connection.came)
            while question:
                connection.came = connection.came[question[0]:]
                # An answer of 100 bytes fits into the socket's buffer, or nobody reads there.
                connection.plain.send(self._answered(question[1], question[2], question[3]))
                connection.has_shown_key = True
                question = parsed(connection.came)
        except BlockingIOError:
            return
        except (Malformed, OSError):
            self._close(connection)

    def _answered(self, target: str, headers: Dict[str, str], body: bytes) -> bytes:
        """Return the whole answer. Raises Malformed if the question is not Dovecot's."""
        key = headers.get("x-api-key", "").encode("utf-8", "replace")
        if not hmac.compare_digest(key, self._key):
            raise Malformed()
        try:
            values = json.loads(body.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise Malformed()
        if not isinstance(values, dict):
            raise Malformed()
        status = self._answer(target.rpartition("command=")[2], values)
        text = json.dumps({"status": status, "msg": ""}).encode("ascii")
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text

    def _close(self, connection: _Connection) -> None:
        self._selector.unregister(connection.plain)
        del self._connections[connection.plain.fileno()]
        connection.plain.close()


def parsed(came: bytes) -> Optional[Tuple[int, str, Dict[str, str], bytes]]:
    """Take the first question apart. Returns its length, its target, its headers (their names in lower case) and its
    body; None if it has not come whole. Raises Malformed."""
    head, blank, rest = came.partition(b"\r\n\r\n")
    if len(head) > _HEAD:
        raise Malformed()
    if not blank:
        return None
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    headers = {}    # type: Dict[str, str]
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length", "0")
    if len(words) != 3 or words[0] != "POST" or not length.isdigit() or len(length) > 6 or int(length) > _BODY:
        raise Malformed()
    if "transfer-encoding" in headers:
        raise Malformed()
    if len(rest) < int(length):
        return None
    return len(head) + len(blank) + int(length), words[1], headers, rest[:int(length)]
