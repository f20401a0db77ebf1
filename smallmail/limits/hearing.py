"""Hear of logins on a socket, beside answering Postfix: in the loop of the same service."""
import asyncio
import contextlib
import socket
import sys

from smallmail.bans import reports
from smallmail.limits.service import Answers, listening
from smallmail.machine import state
from smallmail.machine.host import Host

# Datagrams that are taken before Postfix is looked after again.
_AT_ONCE = 50
# Seconds: how often it is looked whether a letter's time has come.
_LOOK = 60.0


def begin(host: Host, answers: Answers, loop: asyncio.AbstractEventLoop) -> None:
    """Begin to hear. If that fails, limits hold all the same."""
    try:
        listener = listening(host, state.LOGINS_SOCKET, socket.SOCK_DGRAM, 0o666)
    except OSError as error:
        print("smallmail: the service for limits does not hear of logins: {}".format(error), file=sys.stderr)
        return
    listener.setblocking(False)
    loop.add_reader(listener.fileno(), _hear, listener, answers)
    _look(loop, answers)


def _hear(listener: socket.socket, answers: Answers) -> None:
    with contextlib.suppress(OSError):      # nothing more has come
        for _ in range(_AT_ONCE):
            answers.hear(listener.recv(reports.LONGEST))


def _look(loop: asyncio.AbstractEventLoop, answers: Answers) -> None:
    answers.remind()
    loop.call_later(_LOOK, _look, loop, answers)
