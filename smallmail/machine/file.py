"""The type of a file as it is on a disk, or as it is to be; its text, in UTF-8 whatever the locale is."""
from typing import NamedTuple

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
