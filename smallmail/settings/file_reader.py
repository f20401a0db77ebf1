"""Read smallmail.conf, with Python's standard library alone: debconf's config script has nothing else.

This is the only reader of the file: what is a setting, what is edited and which lines have a secret all come from it.
The format is ConfigObj's, by which versions up to 0.6.0 read the file (a test compares the two). A text that goes over
several lines is in triple quotes. A comma is a character like any other.
"""
import os
import re
from typing import Dict, List, NamedTuple, Tuple

PATH = "etc/smallmail/smallmail.conf"

Entry = NamedTuple("Entry", [
    ("name", str),
    ("value", str),
    ("comment", str),   # behind the value, with its #
    ("first", int),     # its lines are lines[first:end]
    ("end", int),
])
Read = NamedTuple("Read", [
    ("entries", List[Entry]),
    ("mistakes", List[str]),    # what is wrong with which line: without its text, which may be a secret
])

_LINE = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\s'"=][^=]*?)\s*=\s*(.*?)\s*\Z""")
_SECTION = re.compile(r"\s*\[+\s*([^\]]*?)\s*\]")
_TRIPLE = ('"""', "'" * 3)
# An item of a value, and what follows it.
_ITEM = re.compile(r"(\"{3}.*?\"{3}(?!\")|'{3}.*?'{3}(?!')|\"[^\"]*\"|'[^']*'|[^,#]*)\s*(,?)\s*(.*)", re.DOTALL)


def load(root: str = "/") -> Dict[str, str]:
    """Return the names and values of the settings file, as far as it can be read; nothing if it does not exist."""
    try:
        with open(os.path.join(root, PATH), encoding="utf-8", errors="surrogateescape") as stream:
            return {entry.name: entry.value for entry in read(stream.read()).entries}
    except FileNotFoundError:
        return {}


def read(text: str) -> Read:
    """Read the text of a settings file. Returns its entries, in their order, and its mistakes."""
    lines, number = text.splitlines(), 0
    found = Read([], [])
    while number < len(lines):
        first, line = number, lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match, section = _LINE.match(line), _SECTION.match(line)
        if section:
            found.mistakes.append("section [{}] must go: this file has no sections".format(section.group(1)))
        elif not match:
            found.mistakes.append("line {} must have the form 'name = value'".format(number))
        else:
            value = match.group(2)
            if value[:3] in _TRIPLE and value[:3] not in value[3:]:
                more = next((n for n in range(number, len(lines)) if value[:3] in lines[n]), None)
                if more is None:
                    found.mistakes.append("line {} opens a value in triple quotes, which must be closed".format(number))
                    continue
                value, number = "\n".join([value] + lines[number:more + 1]), more + 1
            _add(found, _unquoted(match.group(1)), value, first, number)
    return found


def _add(found: Read, name: str, text: str, first: int, end: int) -> None:
    value, comment, mistake = _value(text)
    if mistake:
        found.mistakes.append("line {} {}".format(first + 1, mistake))
    if any(entry.name == name for entry in found.entries):
        found.mistakes.append("line {} sets {} again: it must be set once".format(first + 1, name))
    found.entries.append(Entry(name, value, comment, first, end))


def _value(text: str) -> Tuple[str, str, str]:
    """Split a value: items with commas between, each bare or in quotes; a comment may follow. Returns the value, the
    comment, and what is wrong."""
    items, mistake = [], ""
    while text and not text.startswith("#"):
        item, comma, text = _ITEM.match(text).groups()  # type: ignore[union-attr]
        item = item.strip()
        unquoted = _unquoted(item)
        is_quoted = unquoted != item or item in ('""', "''")
        if item[:1] in ("'", '"') and not is_quoted:
            mistake = "has a quote that is not closed"
        elif is_quoted and text and not comma and not text.startswith("#"):
            mistake = "has text behind its closing quote"
        items.append(unquoted)
    return ", ".join(items), text, mistake


def _unquoted(text: str) -> str:
    for width in (3, 1):
        quote = text[:width]
        if len(text) >= 2 * width and quote in (width * '"', width * "'") and text.endswith(quote):
            return text[width:-width]
    return text
