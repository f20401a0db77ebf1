"""Look at a mailbox as root: what its Sieve scripts require, and how many folders it has.

The user who owns the mail can put anything there, so each path is walked without following links (machine/walk.py), and
everything that is read has an end.
"""
import os
import re
from typing import Iterator, List, Optional, Set

from smallmail.errors import Problem
from smallmail.folders import scripts, sieve
from smallmail.folders.names import MAILBOXES, MAILDIR
from smallmail.machine import walk
from smallmail.machine.host import Host

# Pigeonhole has no limit of its own for scripts in a chain that is so short.
_SCRIPTS = 20
# Bytes of all scripts of a mailbox together: to look for words in them takes seconds for each million.
_ENOUGH = 1 << 20
# Bytes that the list of names of a directory takes with thousands of names. It must fit into memory.
_LARGE = 4 << 20
# Any owner's file may be looked at: nothing of what is in it is shown.
_OWNERS = range(1 << 32)


def required(host: Host, home: str) -> Set[bytes]:
    """Return the Sieve extensions that the active script of a mailbox, and those that it includes, require."""
    found = set()   # type: Set[bytes]
    for script in _running(host, home):
        found |= sieve.required(script)
    return found


def folders(host: Host, home: str, most: int) -> int:
    """Count the folders of a mailbox, up to one more than `most`."""
    waiting, count = [_joined(home, "mail", os.fsdecode(MAILBOXES))], 0
    while waiting and count <= most:
        below = _names(host, waiting.pop())
        if below is None:
            return most + 1
        waiting += below
        count += len(below)
    return min(count, most + 1)


def _running(host: Host, home: str) -> Iterator[bytes]:
    """Yield the active script, and those that it includes (RFC 6609)."""
    active = host.link(_joined(home, os.fsdecode(scripts.ACTIVE)))
    name = re.search(r"(?:^|/)sieve/([^/]+\.sieve)\Z", active or "")
    waiting = [_joined(home, "sieve", name.group(1)) if name else _joined(home, os.fsdecode(scripts.ACTIVE))]
    seen, size = [], 0      # type: List[str], int
    while waiting and len(seen) < _SCRIPTS and size < _ENOUGH:
        seen.append(waiting.pop())
        script = _content(host, seen[-1])
        size += len(script)
        yield script
        paths = [_joined(home, "sieve", os.fsdecode(other) + ".sieve") for other in sieve.included(script)
                 if b"/" not in other]
        waiting += [path for path in paths if path not in seen + waiting]


def _content(host: Host, path: str) -> bytes:
    """Return what is in a script; nothing for what is not one."""
    try:
        with walk.to(host.root, path, follow=False) as place:
            return walk.plain_content(place, scripts.LARGEST, _OWNERS)
    except (Problem, OSError, ValueError):
        return b""


def _names(host: Host, path: str) -> Optional[List[str]]:
    """Return the paths of the folders in one; None if they are too many to be listed."""
    try:
        with walk.into(host.root, path) as place:
            if os.fstat(place.folder).st_size > _LARGE:
                return None
            return [_joined(path, name) for name in os.listdir(place.folder) if name != os.fsdecode(MAILDIR)]
    except (Problem, OSError):
        return []


def _joined(*names: str) -> str:
    return "/".join(names)
