"""The list of subscribed folders in both layouts. Pure.

Dovecot writes "V<tab>2" and an empty line, then one folder a line, with tabs between the levels. Files of other
programs lack that header and have the separator between the levels (src/lib-storage/list/subscription-file.c).
"""
from typing import List

from smallmail.folders import names

_HEADER = b"V\t2\n\n"

Path = List[bytes]


def to_tree(text: bytes, every_tilde: bool = True) -> bytes:
    """Return the list for the tree, from that of Maildir++."""
    return _written([[names.escaped(level or b".", number == 0, every_tilde) for number, level in enumerate(path)]
                     for path in _read(text, b".")])


def to_flat(text: bytes) -> bytes:
    """Return the list for Maildir++, from that of the tree."""
    return _written([[names.unescaped(level).replace(b".", b"%2e") for level in path] for path in _read(text, b"/")])


def with_more(text: bytes, paths: List[Path]) -> bytes:
    """Return the list of the tree with more folders, each given by its names on the disk."""
    known = _read(text, b"/")
    return _written(known + [path for path in paths if path not in known])


def _read(text: bytes, separator: bytes) -> List[Path]:
    if text.startswith(_HEADER):
        separator, text = b"\t", text[len(_HEADER):]
    return [line.split(separator) for line in text.split(b"\n") if line]


def _written(paths: List[Path]) -> bytes:
    return _HEADER + b"".join(b"\t".join(path) + b"\n" for path in paths)
