"""The type of a file as it is on a disk, or as it is to be; its text, in UTF-8 whatever the locale is; who owns it."""
import grp
import pwd
from typing import NamedTuple

from smallmail.machine import as_user

File = NamedTuple("File", [
    ("content", bytes),
    ("mode", int),
    ("owner", str),
    ("group", str),
])


def text_of(content: bytes) -> str:
    """Return the text of a file. Bytes that are not UTF-8 are kept: bytes_of() gives them back as they were."""
    return content.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """Return the bytes of a text, those included that text_of() kept."""
    return text.encode("utf-8", "surrogateescape")


def is_readable_by_all(mode: int) -> bool:
    """Tell whether every user may read a file of that mode. What not everybody may read contains a secret."""
    return bool(mode & 0o004)


def user_number(owner: str) -> int:
    """Return the number of that user. Raises KeyError."""
    # Host.file() gives a number for an owner that has no name on this host.
    return int(owner) if owner.isdigit() else as_user.entry(owner).pw_uid


def group_number(group: str) -> int:
    """Return the number of that group. Raises KeyError."""
    return int(group) if group.isdigit() else as_user.group(group).gr_gid


def user_name(number: int) -> str:
    """Return the name of that user, or its number if it has no name on this host."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """Return the name of that group, or its number if it has no name on this host."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
