"""Odd letters: everything here can be written by a mail program, and SMTP allows nearly all of it.

They are made, not kept: pure functions, the same bytes at each call. No letter has a NUL, a lone CR or a lone LF, which
SMTP forbids (RFC 5321, 2.3.8; RFC 5322, 4).
"""

from __future__ import annotations

from . import addresses, encodings, headers, line_lengths, nesting, secured
from .letter import Letter

__all__ = ["Letter", "letters"]


def letters() -> list[Letter]:
    """All of them."""
    modules = (line_lengths, encodings, headers, addresses, nesting, secured)
    return [letter for module in modules for letter in module.letters()]
