"""Ask Rspamd's controller what Rspamd would do with a message, which goes nowhere.

It is asked on the socket by which Dovecot teaches Rspamd: there it wants no password.
"""
import contextlib
import http.client
import socket
from typing import Dict, Optional, Tuple

from smallmail.machine import state
from smallmail.machine.host import Host

_ANSWER = 10.0      # seconds for one message

# What is raised if it does not answer, or if its answer is not HTTP.
TROUBLES = (OSError, http.client.HTTPException)


class _Connection(http.client.HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_ANSWER)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_ANSWER)
        self.sock.connect(self._path)


def scanned(host: Host, letter: bytes, headers: Optional[Dict[str, str]] = None) -> Tuple[int, str]:
    """Let Rspamd scan a message; `headers` say more about it (Rspamd's "protocol"). Returns HTTP's status code and the
    answer, in JSON. Raises one of TROUBLES."""
    with contextlib.closing(_Connection(host.path(state.CONTROLLER))) as connection:
        connection.request("POST", "/checkv2", letter, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
