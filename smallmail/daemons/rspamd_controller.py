"""Ask Rspamd's controller what Rspamd would do with a message, which goes nowhere, and let Rspamd learn from one.

It is asked on a socket that needs no password. The socket is in a folder of Rspamd's user, so whoever answers is
trusted with nothing: an answer may take so long and be so long, and parsed() checks its form.
"""
import contextlib
import json
from typing import Any, Dict, Optional, Tuple

from smallmail.machine import probes, state
from smallmail.machine.host import Host

_ANSWER = 10.0      # seconds for one message, until Rspamd begins to answer
_WHOLE_ANSWER = 20.0
_LONGEST_ANSWER = 1 << 20
OK = 200            # HTTP's code


def scanned(host: Host, letter: bytes, headers: Optional[Dict[str, str]] = None) -> Tuple[int, str]:
    """Let Rspamd scan a message; `headers` say more about it (Rspamd's "protocol"). Returns HTTP's status code and the
    answer, in JSON. Raises OSError if it does not answer, or if its answer is not HTTP."""
    return _posted(host, "/checkv2", letter, headers or {})


def learned(host: Host, letter: bytes, kind: str) -> Tuple[int, str]:
    """Let Rspamd learn that a message is "spam" or "ham". Returns HTTP's status code and the answer, in JSON. Raises
    OSError if it does not answer, or if its answer is not HTTP."""
    return _posted(host, "/learn" + kind, letter, {})


def parsed(answer: str) -> Dict[str, Any]:
    """Parse an answer. Returns its fields; raises ValueError if it is not a JSON object."""
    try:
        fields = json.loads(answer)
    except RecursionError:
        fields = None
    if not isinstance(fields, dict):
        raise ValueError("the answer is not a JSON object")
    return fields


def _posted(host: Host, path: str, letter: bytes, headers: Dict[str, str]) -> Tuple[int, str]:
    import http.client  # noqa: PLC0415 (longer to load than Python takes to start, and few verbs ask)

    connection = http.client.HTTPConnection("localhost")
    with contextlib.closing(probes.unix_socket(host.root, state.CONTROLLER, _ANSWER)) as connection.sock, \
            probes.ending(lambda: connection.sock, _WHOLE_ANSWER):
        try:
            connection.request("POST", path, letter, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_LONGEST_ANSWER).decode("utf-8", "replace")
        except http.client.HTTPException as error:
            raise OSError("not HTTP: {}".format(error or type(error).__name__))
