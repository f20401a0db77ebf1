"""Answer debconf's questions as a person does, through two frontends: passthrough, which can go back, and editor.

With DEBIAN_FRONTEND=passthrough debconf hands each question to another program over a socket (the installer and the
graphical tools are asked that way); here that program is a script of answers. See Debconf/FrontEnd/Passthrough.pm.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from typing import TextIO

from tests.lab import Machine, packages, roots

SOCKET = "/srv/debconf.sock"
EDITOR = "/srv/editor"
OURS = "smallmail-server/"
BACK = object()  # an answer: the person goes back to the question before
Answers = Mapping[str, Sequence[object]]  # texts or BACK by the short name of the question, one for each time

# What debconf's editor frontend starts for each question: keeps what it was shown, and types what is to be typed.
_EDITOR = """#!/usr/bin/python3
import json, re, sys
shown = open(sys.argv[1]).read()
with open("/srv/shown", "a") as stream:
    stream.write(shown)
answers = json.load(open("/srv/answers"))
def typed(match):
    queue = answers.get(match.group(1), [])
    return '{}="{}"'.format(match.group(1), queue.pop(0) if queue else match.group(2))
with open(sys.argv[1], "w") as stream:
    stream.write(re.sub(r'(?m)^(.*?)="(.*)"$', typed, shown))
json.dump(answers, open("/srv/answers", "w"))
"""


class Person:
    """Answers questions by their short names, each time they are shown; what has no answer stays as it is shown."""

    def __init__(self, answers: Answers) -> None:
        self.answers = {name: list(texts) for name, texts in answers.items()}
        self.shown: list[tuple[str, str]] = []  # (question, what it showed)
        self.texts: dict[str, str] = {}  # the whole text of each question
        self.said: list[str] = []  # the sentences about wrong answers

    def defaults(self) -> dict[str, str]:
        """Return what each question showed first."""
        return dict(reversed(self.shown))

    def names(self) -> list[str]:
        return [name for name, _ in self.shown]


def prepare(machine: Machine, suite: str) -> None:
    """Install what debconf's passthrough frontend needs and a minimal Debian lacks."""
    packages.offer(machine, *roots.fetched(suite, "libtext-iconv-perl"))
    packages.install(machine, "libtext-iconv-perl")


def passthrough(machine: Machine, command: str, answers: Answers | None = None) -> tuple[Person, str]:
    """Run a command in the machine, and let a Person answer its questions.

    Returns the person and what was printed. Raises LabError if the command fails.
    """
    person = Person(answers or {})
    path = machine.path / SOCKET.lstrip("/")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, person), daemon=True)
        thread.start()
        try:
            done = machine.run(command, env={"DEBIAN_FRONTEND": "passthrough", "DEBCONF_PIPE": SOCKET})
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    assert not any(person.answers.values()), "a question that was to be answered never came"
    return person, done.stdout + done.stderr


def editor(machine: Machine, command: str, answers: Answers) -> tuple[str, str]:
    """Run a command whose questions come through the editor frontend, which has no way back.

    Returns what it showed and what was printed.
    """
    machine.write(EDITOR, _EDITOR, 0o755)
    machine.write("/srv/shown", "")
    machine.write("/srv/answers", json.dumps({OURS + name: texts for name, texts in answers.items()}))
    done = machine.run(command + " </dev/null", env={"DEBIAN_FRONTEND": "editor", "EDITOR": EDITOR})
    assert not any(json.loads(machine.read("/srv/answers")).values()), "a question that was to be answered never came"
    return machine.read("/srv/shown"), done.stdout + done.stderr


def values(shown: str) -> dict[str, str]:
    """Find the questions that the editor showed. Returns what each showed first."""
    found: dict[str, str] = {}
    for name, text in re.findall(rf'(?m)^{OURS}(.*?)="(.*)"$', shown):
        found.setdefault(name, text)
    return found


def _serve(listener: socket.socket, person: Person) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            _converse(stream, person)


def _converse(stream: TextIO, person: Person) -> None:
    values: dict[str, str] = {}
    fresh: dict[str, str] = {}
    substituted: dict[str, str] = {}
    queue: list[str] = []
    for line in stream:
        command, _, rest = line.rstrip("\n").partition(" ")
        word, _, text = rest.partition(" ")
        reply = "0 ok"
        if command == "CAPB" and not rest:
            reply = "0 backup"
        elif command == "SET":
            fresh[word] = text
        elif command == "DATA" and text.startswith("extended_description "):
            person.texts[word[len(OURS):]] = text.partition(" ")[2]
        elif command == "SUBST":
            substituted[word] = text.partition(" ")[2]
        elif command == "INPUT":
            queue.append(text)
        elif command == "GO":
            values.update((tag, fresh.get(tag, "")) for tag in queue)
            reply = "30 back" if _answer(person, queue, values, substituted) else "0 ok"
            fresh, queue = {}, []
        elif command == "GET":
            reply = "0 " + values.get(word, "")
        stream.write(reply + "\n")
        stream.flush()


def _answer(person: Person, queue: list[str], values: dict[str, str], substituted: dict[str, str]) -> bool:
    """Answer what is shown together. Returns whether the person goes back instead."""
    for tag in queue:
        name = tag[len(OURS):] if tag.startswith(OURS) else tag
        if name == "wrong-answer":
            person.said.append(substituted.get(tag, ""))
            continue
        person.shown.append((name, values[tag]))
        waiting = person.answers.get(name)
        if waiting:
            typed = waiting.pop(0)
            if typed is BACK:
                return True
            values[tag] = str(typed)
    return False
