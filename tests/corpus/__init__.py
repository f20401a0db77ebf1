"""Make odd letters: a mail program may write each of them, and SMTP allows nearly all of it.

The functions are pure: they return the same bytes at each call. No letter has a NUL, a lone CR or a lone LF, which SMTP
forbids (RFC 5321, 2.3.8; RFC 5322, 4).
"""

from __future__ import annotations

from . import addresses, encodings, headers, line_lengths, nesting, secured
from .letter import Letter

__all__ = ["Letter", "letters"]


def letters() -> list[Letter]:
    """Make all letters. Returns them, always in the same order."""
    modules = (line_lengths, encodings, headers, addresses, nesting, secured)
    return [letter for module in modules for letter in module.letters()]
