"""Asking Rspamd what it would do with a letter, on the socket on which Dovecot teaches: no password is asked there. The
letter goes nowhere."""
import contextlib
import http.client
import socket
from typing import Dict, Optional, Tuple

from smallmail.machine.host import Host
from smallmail.machine.state import STATE

CONTROLLER = STATE + "/rspamd/controller.sock"
_ANSWER = 10.0      # seconds for one letter

# What goes wrong when it does not answer, or not as HTTP has it.
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
    """HTTP's code, and what it says, in JSON; `headers` tell more of the letter (Rspamd's "protocol"). Raises one of
    TROUBLES."""
    with contextlib.closing(_Connection(host.path(CONTROLLER))) as connection:
        connection.request("POST", "/checkv2", letter, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
