"""The names of folders' directories in both layouts. Pure.

Names are bytes in modified UTF-7, as they are on the disk: in it a dot, a slash, a tilde and a percent sign mean
themselves.
"""
import re
from typing import List, Optional

ESCAPE = b"%"
MAILBOXES = b"mailboxes"
MAILDIR = b"%maildir"

# A directory's name has no more bytes on Linux (NAME_MAX).
_LONGEST = 255


def levels(flat: bytes) -> List[bytes]:
    """Return the levels of a folder from its directory's name in Maildir++: ".A.B" has the levels A and B.

    No folder of Dovecot's has an empty level, but other programs may have made one: it becomes ".".
    """
    return [level or b"." for level in flat[1:].split(b".")]


def flat(path: List[bytes]) -> Optional[bytes]:
    """Return the directory's name in Maildir++ for these levels; None if it would be too long.

    A level with a dot keeps it as "%2e": there the dot would be the separator.
    """
    name = b"." + b".".join(level.replace(b".", b"%2e") for level in path)
    return name if len(name) <= _LONGEST else None


def escaped(level: bytes, is_first: bool = True, every_tilde: bool = True) -> bytes:
    """Return how Dovecot writes a level on the disk (mailbox_list_escape_name_params() in its mailbox-list.c).

    `every_tilde`: Dovecot 2.3.14 and later escapes a tilde at the beginning of every level, older versions only at that
    of the first one.
    """
    level = level.replace(ESCAPE, b"%25")
    if level in (b".", b".."):
        return b"%2e" + level[1:]
    if level.startswith(b"~") and (is_first or every_tilde):
        return b"%7e" + level[1:]
    return level


def unescaped(name: bytes) -> bytes:
    """Return the level that a name on the disk stands for."""
    return re.sub(b"%([0-9a-fA-F]{2})", lambda found: bytes([int(found.group(1), 16)]), name)
