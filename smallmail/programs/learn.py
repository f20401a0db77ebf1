"""Let Rspamd learn from what users have sorted (smallmail-learn.path starts this, as the user vmail).

Dovecot's Sieve queues the messages (libexec/sieve/teach): files of vmail's in one folder, whose names end in what they
are. A message stays there until Rspamd has answered. A name with a dot in front is not complete yet.
"""
import contextlib
import os
import stat
import time
from typing import List, Optional

from smallmail.daemons import rspamd_controller
from smallmail.machine import state
from smallmail.machine.host import Host

_KINDS = ("spam", "ham")
_PAUSE = 10.0       # seconds: Rspamd takes up to half a minute to start
# Seconds after which a message that Rspamd cannot learn from is given up.
_TOO_OLD = 7 * 24 * 3600
_FAILED = 500       # from this HTTP status code on, Rspamd may do better later (RFC 7231, 6.6)


def learn(host: Host, _: List[str]) -> int:
    """Teach all that is queued. Returns 0 when the queue is empty; while Rspamd does not answer, that is later."""
    while _queued(host):
        if not teach(host):
            time.sleep(_PAUSE)
    return 0


def teach(host: Host) -> bool:
    """Teach what is queued, the oldest first: the last word about a message counts. Returns whether nothing is left of
    it."""
    is_complete = True
    for name in _queued(host):
        letter = _letter(host, name)
        if letter is None or _is_learned(host, letter, name) or _age(host, name) > _TOO_OLD:
            _forget(host, name)
        else:
            is_complete = False
    return is_complete


def _queued(host: Host) -> List[str]:
    """List the messages, the oldest first. Deletes what is not one, and what was left half-written."""
    names = []
    for name in host.names(state.LEARNING):
        if not name.startswith(".") and name.rpartition(".")[2] in _KINDS:
            names.append(name)
        elif not name.startswith(".") or _age(host, name) > _TOO_OLD:
            _forget(host, name)
    return sorted(names, key=lambda name: -_age(host, name))


def _letter(host: Host, name: str) -> Optional[bytes]:
    """Read a message. Returns None for what is not a file."""
    try:
        # What else vmail puts there: a reader with more rights must not follow a link or wait for a pipe.
        descriptor = os.open(_path(host, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as stream:
        return stream.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _is_learned(host: Host, letter: bytes, name: str) -> bool:
    """Let Rspamd learn from a message. Returns whether it answered, though it may know the message already."""
    try:
        return rspamd_controller.learned(host, letter, name.rpartition(".")[2])[0] < _FAILED
    except OSError:
        return False


def _age(host: Host, name: str) -> float:
    try:
        return time.time() - os.lstat(_path(host, name)).st_mtime
    except FileNotFoundError:
        return 0.0


def _forget(host: Host, name: str) -> None:
    with contextlib.suppress(OSError):      # such as a folder
        host.remove(os.path.join(state.LEARNING, name))


def _path(host: Host, name: str) -> str:
    return host.path(os.path.join(state.LEARNING, name))
