"""Read smallmail.conf with Python's standard library alone: debconf's config script has nothing else.

file_format.py reads and edits the file everywhere else; a test holds the two together. A value in triple quotes that
goes over several lines is cut at the end of its first line here: no setting takes a line break.
"""
import os
import re
from typing import Dict

PATH = "etc/smallmail/smallmail.conf"

# An item of a value, and what follows it.
_ITEM = re.compile(r"""("{3}.*?"{3}(?!")|'{3}.*?'{3}(?!')|"[^"]*"|'[^']*'|[^,#]*)\s*,?\s*(.*)""")


def load(root: str = "/") -> Dict[str, str]:
    """Return the names and values of the settings file; nothing if it does not exist."""
    try:
        with open(os.path.join(root, PATH), encoding="utf-8", errors="surrogateescape") as stream:
            return parse(stream.read())
    except FileNotFoundError:
        return {}


def parse(text: str) -> Dict[str, str]:
    """Return the names and values of a settings file's text, as file_format.parse() does."""
    pairs = [line.partition("=") for line in text.splitlines() if not line.lstrip().startswith(("#", ";", "["))]
    return {_unquoted(name.strip()): _value(value.strip()) for name, equals, value in pairs if equals}


def _value(text: str) -> str:
    """A value: items with commas between, each bare or in quotes; a comment may follow."""
    items = []
    while text and not text.startswith("#"):
        item, text = _ITEM.match(text).groups()  # type: ignore[union-attr]
        items.append(_unquoted(item.strip()))
    return ", ".join(items)


def _unquoted(text: str) -> str:
    for width in (3, 1):
        quote = text[:width]
        if len(text) >= 2 * width and quote in (width * '"', width * "'") and text.endswith(quote):
            return text[width:-width]
    return text
