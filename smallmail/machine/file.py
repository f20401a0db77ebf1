"""The type of a file as it is on a disk, or as it is to be."""
from typing import NamedTuple

File = NamedTuple("File", [
    ("content", bytes),
    ("mode", int),
    ("owner", str),
    ("group", str),
])


def is_readable_by_all(mode: int) -> bool:
    """Tell whether every user may read a file of that mode. What not everybody may read contains a secret."""
    return bool(mode & 0o004)
