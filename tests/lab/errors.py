"""What goes wrong in the lab itself, as opposed to in what is tested there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class LabError(Exception):
    """One clear sentence, and the last lines of what was said by whatever failed."""


def tail(text: str, lines: int = 25) -> str:
    """The last lines of an output, indented below the sentence they belong to."""
    return "".join(f"\n    {line}" for line in text.rstrip().splitlines()[-lines:])


def until(question: Callable[[], T | None], what: str, seconds: float,
          why: Callable[[], str] = lambda: "") -> T:
    """Ask again and again, until the answer is true, and return it; a LabError after the deadline.

    `why` is asked then for what may explain it, such as a console's last lines.
    """
    deadline = time.monotonic() + seconds
    pause = 0.02
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain for {what}{why()}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return answer
