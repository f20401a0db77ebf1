"""A person at debconf's questions, through its real frontends: passthrough, which can go back, and editor.

With DEBIAN_FRONTEND=passthrough debconf hands each question to another program over a socket (the installer and the
graphical tools are asked that way); here that program is a script of answers. See Debconf/FrontEnd/Passthrough.pm.
"""
import json
import re
import socket
import threading

from tests.lab import packages, roots

SOCKET = "/srv/debconf.sock"
EDITOR = "/srv/editor"
OURS = "smallmail-server/"
BACK = object()

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

    def __init__(self, answers):
        self.answers = {name: list(texts) for name, texts in answers.items()}
        self.shown = []     # (question, what it showed)
        self.texts = {}     # the whole text of each question
        self.said = []      # the sentences about wrong answers

    def defaults(self):
        """What each question showed first."""
        return dict(reversed(self.shown))

    def names(self):
        return [name for name, _ in self.shown]


def prepare(machine, suite):
    """What debconf's passthrough frontend needs and a minimal Debian lacks."""
    packages.offer(machine, *roots.fetched(suite, "libtext-iconv-perl"))
    packages.install(machine, "libtext-iconv-perl")


def passthrough(machine, command, answers=None):
    """Run a command in the machine whose questions a Person answers; raises LabError when it fails."""
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


def editor(machine, command, answers):
    """The same through the editor frontend, which has no way back; returns what it showed and what was printed."""
    machine.write(EDITOR, _EDITOR, 0o755)
    machine.write("/srv/shown", "")
    machine.write("/srv/answers", json.dumps({OURS + name: texts for name, texts in answers.items()}))
    done = machine.run(command + " </dev/null", env={"DEBIAN_FRONTEND": "editor", "EDITOR": EDITOR})
    assert not any(json.loads(machine.read("/srv/answers")).values()), "a question that was to be answered never came"
    return machine.read("/srv/shown"), done.stdout + done.stderr


def values(shown):
    """The questions that the editor showed, with what they showed first."""
    found = {}
    for name, text in re.findall(rf'(?m)^{OURS}(.*?)="(.*)"$', shown):
        found.setdefault(name, text)
    return found


def _serve(listener, person):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            _converse(stream, person)


def _converse(stream, person):
    values, fresh, substituted, queue = {}, {}, {}, []
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


def _answer(person, queue, values, substituted):
    """Answer what is shown together; whether the person goes back instead."""
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
            values[tag] = typed
    return False
