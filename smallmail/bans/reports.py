"""Pass good logins on, for the daemon of bans hears of all of them: to the service of limits, which remembers them.

One datagram for each, on a socket that only these two users reach (state.LOGINS). The sender never waits, so no login
does. What cannot be sent now is kept for a while, up to a number.
"""
import contextlib
import json
import socket
from collections import OrderedDict
from typing import NamedTuple, Optional, Tuple  # noqa: F401 (Tuple: in a type comment)

from smallmail.bans import clients

Login = NamedTuple("Login", [
    ("login", str),         # the mailbox, in lower case
    ("address", str),       # of the client
    ("protocol", str),      # as Dovecot calls it: imap, pop3, smtp, sieve
    ("at", float),          # seconds since 1970
])

# Bytes of a datagram, and logins that wait for the service.
LONGEST = 2048
_MOST = 1000


def written(login: Login) -> bytes:
    """Return the datagram for a login."""
    return json.dumps(login._asdict()).encode("ascii")


def read(datagram: bytes) -> Optional[Login]:
    """Return the login that a datagram tells of; None if it does not have this form."""
    try:
        login = Login(**json.loads(datagram.decode("ascii")))
    except (ValueError, TypeError, RecursionError):
        return None
    is_text = all(isinstance(value, str) for value in login[:3])
    is_time = isinstance(login.at, float) and 0 <= login.at < 1 << 40
    address = clients.address(login.address) if is_text and is_time else None
    return login._replace(address=str(address)) if address else None


class Reports:
    """The sender's side: logins on their way."""

    def __init__(self, path: str) -> None:
        """`path`: that of the socket."""
        self._path = path
        self._waiting = OrderedDict()   # type: OrderedDict[Tuple[str, str], Login]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def add(self, login: Login) -> None:
        """Keep a login until it is sent. Of several from one client, the first counts."""
        client = clients.client(login.address)
        if client and len(login.login) + len(login.protocol) < LONGEST // 8:
            self._waiting.setdefault((login.login, client), login)
        if len(self._waiting) > _MOST:
            self._waiting.popitem(last=False)

    def send(self) -> None:
        """Send what is kept, as far as the service takes it now."""
        with contextlib.suppress(OSError):
            for key, login in list(self._waiting.items()):
                self._socket.sendto(written(login), self._path)
                del self._waiting[key]
