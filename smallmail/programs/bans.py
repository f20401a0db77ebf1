"""Judge logins for Dovecot (smallmail-bans.service), and put bans into nftables (smallmail-bans-packets.service)."""
import os
import socket
from typing import List

from smallmail.bans import packets, serving
from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.resources import measured

# The first descriptor that systemd hands over (sd_listen_fds(3)).
_FIRST_DESCRIPTOR = 3


def bans(host: Host, _: List[str]) -> int:
    """Serve Dovecot on the socket that systemd holds. Returns the exit code."""
    if os.environ.get("LISTEN_FDS") != "1":
        raise Problem("'run bans' is started by smallmail-bans.socket")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=_FIRST_DESCRIPTOR)
    serving.loop(host, listening, measured().cores)
    return 0


def put(host: Host, _: List[str]) -> int:
    """Put the bans that are in force into nftables. Returns the exit code."""
    packets.put(host)
    return 0
