"""Ask Rspamd's controller what Rspamd would do with a message, which goes nowhere, and let Rspamd learn from one.

It is asked on a socket that needs no password.
"""
import contextlib
import socket
from typing import Dict, Optional, Tuple

from smallmail.machine import state
from smallmail.machine.host import Host

_ANSWER = 10.0      # seconds for one message
OK = 200            # HTTP's code


def scanned(host: Host, letter: bytes, headers: Optional[Dict[str, str]] = None) -> Tuple[int, str]:
    """Let Rspamd scan a message; `headers` say more about it (Rspamd's "protocol"). Returns HTTP's status code and the
    answer, in JSON. Raises OSError if it does not answer, or if its answer is not HTTP."""
    return _posted(host, "/checkv2", letter, headers or {})


def learned(host: Host, letter: bytes, kind: str) -> Tuple[int, str]:
    """Let Rspamd learn that a message is "spam" or "ham". Returns HTTP's status code and the answer, in JSON. Raises
    OSError if it does not answer, or if its answer is not HTTP."""
    return _posted(host, "/learn" + kind, letter, {})


def _posted(host: Host, path: str, letter: bytes, headers: Dict[str, str]) -> Tuple[int, str]:
    import http.client  # noqa: PLC0415 (longer to load than Python takes to start, and few verbs ask)

    connection = http.client.HTTPConnection("localhost")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection.sock:
        connection.sock.settimeout(_ANSWER)
        connection.sock.connect(host.path(state.CONTROLLER))
        try:
            connection.request("POST", path, letter, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except http.client.HTTPException as error:
            raise OSError("not HTTP: {}".format(error or type(error).__name__))
