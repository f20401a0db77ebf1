"""The questions: asked through debconf, each answer checked before the next question.

At build time this module and those that it imports become the package's `config` script (debian/embed.py), which runs
before the package is unpacked: it may use nothing but Python's standard library and debconf. postinst reads the answers
with the same code. See debconf-devel(7), and debconf-spec for the protocol.

The settings file is the truth: what it says is put into debconf before the questions, so that they show today's values,
and once it exists only what was answered since ("answered", a flag of ours) goes back to it.
"""
import io
import os
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional, Set, Tuple  # noqa: F401 (in a type comment)

import debconf

from smallmail.daemons import foreign
from smallmail.settings import doubts, file_reader, idn
from smallmail.settings.questions import QUESTIONS, Question

_SKIPPED = 30           # debconf's code for "not shown" (INPUT) and for "back" (GO)
_FORWARD, _BACK, _NOT_SHOWN = 1, -1, 0

# How many wrong answers to one question a person may give. After that a program seems to give them: postinst, which
# finds the wrong answer that is left, then ends with the sentence.
_PATIENCE = 20


def main(argv: List[str]) -> None:
    """Ask, as the config script: argv is its name, `configure` or `reconfigure`, and the version before."""
    Dialogue(connect()).run(argv[1:2] == ["reconfigure"], argv[2] if len(argv) > 2 else "")


def connect() -> Any:
    """Return the debconf that started this maintainer script: it answers on fd 0 and listens on fd 3.

    The locale may be C, where Python 3.5 knows ASCII alone; the bytes are passed on as they are.
    """
    reader = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8", errors="surrogateescape")
    writer = io.TextIOWrapper(io.FileIO(3, "w", closefd=False), encoding="utf-8", errors="surrogateescape")
    return debconf.Debconf(read=reader, write=writer)


def answers(db: Any, root: str = "/") -> Optional[Dict[str, str]]:
    """Return the checked answers that are to become settings; None when no question was answered yet.

    Once the settings file exists, answers that it already has are left out. A password is "" when it stays as it is.
    Raises ValueError, which names the question.
    """
    asked = Asked(db)
    configured = os.path.exists(os.path.join(root, file_reader.PATH))
    if not configured and not any(asked.flag(name, "seen") for name in ("hostname", "domain")):
        return None
    found = OrderedDict()  # type: Dict[str, str]
    for question in QUESTIONS.values():
        wanted = question.secret or not configured or asked.flag(question.name, "answered")
        # What was in the way when the question was asked may be gone by now: apt has put Postfix in its place.
        applies = question.applies(asked.get) or (question.name == "take-over" and asked.flag("take-over", "answered"))
        if not wanted or not applies:
            continue
        try:
            found[question.name] = question.check(asked.get(question.name), asked.get)
        except ValueError as error:
            raise ValueError("smallmail-server/{}: {}".format(question.name, error))
    return found


def forget_passwords(db: Any) -> None:
    """Remove the passwords from debconf and do not ask for them again: they are settings now (debconf-devel(7))."""
    asked = Asked(db)
    for question in QUESTIONS.values():
        if question.secret:
            asked.forget(question.name)
        asked.set_flag(question.name, "answered", False)
    asked.forget("password-again")  # it may have been preseeded


class Asked:
    """debconf's questions of this package, by their short names."""

    def __init__(self, db: Any) -> None:
        self.db = db

    def get(self, name: str) -> str:
        """Return the answer that debconf has."""
        return str(self.db.get("smallmail-server/" + name))

    def set(self, name: str, text: str) -> None:
        """Store an answer in debconf."""
        self.db.set("smallmail-server/" + name, text)

    def flag(self, name: str, flag: str) -> bool:
        """Return whether the flag is set."""
        return bool(self.db.fget("smallmail-server/" + name, flag) == "true")

    def set_flag(self, name: str, flag: str, up: bool) -> None:
        """Set or clear the flag."""
        self.db.fset("smallmail-server/" + name, flag, "true" if up else "false")

    def forget(self, name: str) -> None:
        """Return the question to its default, and do not ask it again."""
        self.db.reset("smallmail-server/" + name)
        self.set_flag(name, "seen", True)

    def input(self, priority: str, name: str) -> bool:
        """Queue a question. Returns False when it is not shown: asked before, below the priority, or noninteractive."""
        return self._said_yes(lambda: self.db.input(priority, "smallmail-server/" + name))

    def go(self) -> bool:
        """Show what is queued. Returns False when the admin went back."""
        return self._said_yes(self.db.go)

    def _said_yes(self, command: Callable[[], object]) -> bool:
        try:
            command()
        except debconf.DebconfError as error:
            if error.args[0] != _SKIPPED:
                raise
            return False
        return True


class Dialogue(Asked):
    """The questions in their order, forward and back."""

    def __init__(self, db: Any, root: str = "/") -> None:
        super().__init__(db)
        self.root = root
        self.suggested = {}  # type: Dict[str, str]
        self.mistakes = {}  # type: Dict[str, str]
        self.shown = set()  # type: Set[str]
        self.doubted = set()    # type: Set[Tuple[str, str]]

    def run(self, reconfigure: bool, before: str = "") -> None:
        """Ask all questions. Going back from the first one asks it again. `before`: the version that is upgraded."""
        self.db.capb("backup")
        self._load_settings(reconfigure, idn.is_former(before))
        questions = list(QUESTIONS.values())
        index, direction = 0, _FORWARD
        while index < len(questions):
            # A question that is not shown is passed in the direction that the admin was going.
            direction = self._step(questions[index]) or direction
            index += direction
            if index < 0:
                index, direction = 0, _FORWARD
        for name in self.shown:
            self.set_flag(name, "answered", True)

    def _load_settings(self, reconfigure: bool, has_former_names: bool) -> None:
        """Put today's settings into debconf, but not over an answer that has not become a setting yet."""
        if not os.path.exists(os.path.join(self.root, file_reader.PATH)):
            return
        settings = file_reader.load(self.root)
        for question in QUESTIONS.values():
            if reconfigure:
                self.forget(question.name)
                self.set_flag(question.name, "answered", False)
            if question.secret:
                self.set_flag(question.name, "seen", True)
            elif question.name in settings and not self.flag(question.name, "answered"):
                text = settings[question.name]
                is_former = has_former_names and question.name in idn.SETTINGS
                self._load(question, idn.former_names(text) if is_former else text)

    def _load(self, question: Question, text: str) -> None:
        try:
            text = question.check(text, self.get)
        except ValueError as error:
            # It is shown as it is in the file, to be corrected; if it is not, postinst says the same.
            self.mistakes[question.name] = "/{}: {}: {}".format(file_reader.PATH, question.name, error)
        self.set(question.name, {"yes": "true", "no": "false"}.get(text, text))
        self.set_flag(question.name, "seen", True)

    def _step(self, question: Question) -> int:
        if not question.applies(self.get):
            return _NOT_SHOWN
        self._prepare(question)
        mistake = self.mistakes.pop(question.name, "")
        if mistake and self._is_somebody_there(question.name):
            self._explain(mistake)
            shown = self.input("critical", question.name)
        else:
            shown = self.input(question.priority, question.name)
        forward = self.go()
        if shown and not forward:
            return _BACK
        for _ in range(_PATIENCE):
            sentence = self._wrong(question, shown)
            if not sentence:
                break
            if not self._is_somebody_there(question.name):
                return _NOT_SHOWN
            shown = True
            if question.secret:
                self.db.reset("smallmail-server/" + question.name)  # or an empty line would bring it back
            self._explain(sentence)
            self.input("critical", question.name)
            if not self.go():
                return _BACK
        if not shown:
            return _NOT_SHOWN
        self.shown.add(question.name)
        return _FORWARD

    def _explain(self, sentence: str) -> None:
        """Queue a sentence on what is wrong, to be shown above the question."""
        self.db.subst("smallmail-server/wrong-answer", "SENTENCE", sentence)
        self.input("critical", "wrong-answer")

    def _is_somebody_there(self, name: str) -> bool:
        """Return whether an admin would see that question now; from then on it counts as not asked before."""
        seen = self.flag(name, "seen")
        self.set_flag(name, "seen", False)
        visible = self.input("critical", name)
        self.db.command("clear")
        if not visible:
            self.set_flag(name, "seen", seen)
        return visible

    def _prepare(self, question: Question) -> None:
        """Store the question's suggestion as its answer, as long as it was not answered."""
        name = question.name
        if name == "take-over":
            self.db.subst("smallmail-server/take-over", "FILES", "; ".join(foreign.described()))
        typed = self.get(name) != self.suggested[name] if name in self.suggested else name in self.shown
        suggestion = question.suggest(self.get)
        if suggestion and not typed and not self.flag(name, "seen"):
            self.suggested[name] = suggestion
            self.set(name, suggestion)

    def _wrong(self, question: Question, shown: bool) -> str:
        """Return what is wrong with the answer; "" when nothing is, and then debconf has its normal form."""
        given = self.get(question.name)
        try:
            text = question.check(given, self.get)
        except ValueError as error:
            return str(error)
        if question.name == "password" and shown and text and not self._typed_twice(text):
            return "the two passwords do not match: type the same one twice"
        if shown and (question.name, text) not in self.doubted:
            self.doubted.add((question.name, text))
            doubt = doubts.doubt(question.name, text, self.root)
            if doubt:
                return doubt
        if question.name != "take-over" and text != given:
            self.set(question.name, text)
        return ""

    def _typed_twice(self, password: str) -> bool:
        self.set_flag("password-again", "seen", False)
        self.input("critical", "password-again")
        same = self.go() and self.get("password-again") == password
        self.forget("password-again")
        return same
