"""A stand-in for debconf that answers as debconf-devel(7) and Debconf/ConfModule.pm (1.5.82) say, with a scripted user.

The real one is asked in tests/system; here it is the order of things that is looked at.
"""

from __future__ import annotations

from pathlib import Path

import debconf
from debian.deb822 import Deb822

TEMPLATES = Path(__file__).parents[2] / "debian/smallmail-server.templates"
PACKAGE = "smallmail-server/"
BACK = object()
PRIORITIES = ["low", "medium", "high", "critical"]


def templates() -> dict[str, Deb822]:
    """The package's questions by their short names."""
    with TEMPLATES.open(encoding="utf-8") as stream:
        return {found["Template"].removeprefix(PACKAGE): found for found in Deb822.iter_paragraphs(stream)}


class Debconf:
    """Values, flags, and a user: `types` says what he types where, question by question, each time it is shown."""

    def __init__(
        self,
        types: dict[str, list[object]] | None = None,
        priority: str = "high",
        reconfigure: bool = False,
    ) -> None:
        self.types = {name: list(texts) for name, texts in (types or {}).items()}
        self.interactive = types is not None
        self.priority = priority
        self.reconfigure = reconfigure
        self.defaults = {name: template.get("Default", "") for name, template in templates().items()}
        self.values = dict(self.defaults)
        self.flags: dict[tuple[str, str], str] = {}
        self.queue: list[str] = []
        self.shown: list[str] = []
        self.said: list[str] = []
        self.substituted: list[str] = []

    def preseed(self, **answers: str) -> Debconf:
        """As debconf-set-selections does: the value, and seen."""
        for name, text in answers.items():
            self.values[name.replace("_", "-")] = text
            self.flags[name.replace("_", "-"), "seen"] = "true"
        return self

    def finish(self) -> Debconf:
        """The config script has ended: what was shown counts as seen (ConfModule.pm, finish)."""
        for name in self.shown:
            self.flags[name, "seen"] = "true"
        return self

    def capb(self, _: str) -> None:
        pass

    def command(self, name: str) -> None:
        assert name == "clear"
        self.queue.clear()

    def get(self, question: str) -> str:
        return self.values.get(question.removeprefix(PACKAGE), "")

    def set(self, question: str, text: str) -> None:
        assert "\n" not in text
        self.values[question.removeprefix(PACKAGE)] = text

    def reset(self, question: str) -> None:
        name = question.removeprefix(PACKAGE)
        self.values[name] = self.defaults.get(name, "")
        self.flags[name, "seen"] = "false"

    def fget(self, question: str, flag: str) -> str:
        return self.flags.get((question.removeprefix(PACKAGE), flag), "false")

    def fset(self, question: str, flag: str, value: str) -> None:
        self.flags[question.removeprefix(PACKAGE), flag] = value

    def subst(self, question: str, key: str, value: str) -> None:
        self.substituted.append(value)
        if question.endswith("/wrong-answer"):
            self.said.append(value)

    def input(self, priority: str, question: str) -> None:
        name = question.removeprefix(PACKAGE)
        error = name == "wrong-answer"
        high_enough = PRIORITIES.index(priority) >= PRIORITIES.index(self.priority)
        asked_before = self.fget(name, "seen") == "true" and not self.reconfigure
        if not self.interactive or not (error or (high_enough and not asked_before)):
            raise debconf.DebconfError(30, "question skipped")
        self.queue.append(name)

    def go(self) -> None:
        queue, self.queue = self.queue, []
        for name in queue:
            if name == "wrong-answer":
                continue
            self.shown.append(name)
            typed = self.types[name].pop(0) if self.types.get(name) else self.values.get(name, "")
            if typed is BACK:
                raise debconf.DebconfError(30, "backup")
            # A password element keeps what it had when nothing is typed (Element/Dialog/Password.pm).
            if not (name.endswith("password") and typed == ""):
                self.values[name] = str(typed)
