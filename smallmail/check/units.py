"""Write figures as people read them (dates: machine/dates.py). Pure."""
from typing import Sequence

_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"]


def size(count: int) -> str:
    """Write a number of bytes in the unit that fits: "68 GiB", "4.3 MiB". Returns the words."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return "{:.0f} {}".format(value, _UNITS[unit]) if value >= 10 or round(value, 1) == int(value) else \
        "{:.1f} {}".format(value, _UNITS[unit])


def number(count: int, one: str, many: str) -> str:
    """Write a number of things: "1 mailbox", "4 aliases". Returns the words."""
    return "{} {}".format(count, one if count == 1 else many)


def listed(words: Sequence[str]) -> str:
    """Write several things: "a", "a and b", "a, b and c". Returns the words."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def duration(seconds: float) -> str:
    """Write a length of time in its largest unit: "3 days". Returns the words."""
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return number(int(seconds // length), name, name + "s")
    return "a moment"
