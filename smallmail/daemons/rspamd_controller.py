"""Ask Rspamd's controller what Rspamd would do with a message, which goes nowhere.

It is asked on the socket by which Dovecot teaches Rspamd: there it wants no password.
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
    import http.client  # noqa: PLC0415 (longer to load than Python takes to start, and few verbs ask)

    connection = http.client.HTTPConnection("localhost")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection.sock:
        connection.sock.settimeout(_ANSWER)
        connection.sock.connect(host.path(state.CONTROLLER))
        try:
            connection.request("POST", "/checkv2", letter, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except http.client.HTTPException as error:
            raise OSError("not HTTP: {}".format(error or type(error).__name__))
