"""Tell Postfix which UNIX user has connected from this host (SMTPD_POLICY_README). spawn(8) starts this, as nobody.

Postfix asks at DATA, when the client waits for an answer. A service that is for one user alone has a policy_context.
Rspamd learns the user from a header, and removes it (rspamd.local.lua).
"""
import pwd
import sys
from typing import Dict, Iterable, Iterator, List, Optional

from smallmail.machine import peers
from smallmail.machine.host import Host
from smallmail.machine.peers import Endpoint

_MARK = "PREPEND X-Smallmail-Uid: {}"
_UNKNOWN = "unknown"
_USERS = {"sieve": "vmail", "forward": "postfix"}
_NOTHING = "DUNNO"      # what aliases forward is not seen by Rspamd
_LATER = "DEFER 4.3.0 It is not known which user has connected, try again later"


def peer(host: Host, _: List[str]) -> int:
    """Answer questions on standard input until it ends. Returns 0."""
    for question in questions(sys.stdin):
        print("action={}\n".format(answer(question, host.path("/"))), flush=True)
    return 0


def questions(lines: Iterable[str]) -> Iterator[Dict[str, str]]:
    """Yield the attributes of each question: lines "name=value", and an empty one."""
    asked = {}  # type: Dict[str, str]
    for line in lines:
        name, equals, value = line.rstrip("\n").partition("=")
        if equals:
            asked[name] = value
        else:
            yield asked
            asked = {}


def answer(asked: Dict[str, str], root: str = "/") -> str:
    """Return what Postfix is to do, as access(5) has it."""
    service = asked.get("policy_context", "")
    try:
        user = peers.owner(_endpoint(asked, "client"), _endpoint(asked, "server"), root)
    except OSError:
        # No attacker can hide /proc. Where it is missing, mail must not wait for it.
        user = _number(_USERS[service]) if service else None
    if not service:
        return _MARK.format(_UNKNOWN if user is None else user)
    if user is None:
        return _LATER
    if user not in (0, _number(_USERS[service])):
        return "REJECT 5.7.1 This service is for the user {}".format(_USERS[service])
    return _MARK.format(user) if service == "sieve" else _NOTHING


def _endpoint(asked: Dict[str, str], end: str) -> Endpoint:
    """Read an end of the connection. Postfix before 3.2 does not tell the server's."""
    port = asked.get(end + "_port", "")
    return Endpoint(asked.get(end + "_address", ""), int(port) if port.isdigit() else 0)


def _number(name: str) -> Optional[int]:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
