"""Serve Postfix's questions on a socket. One thread answers one after the other, so nothing is counted twice."""
import asyncio
import functools
import os
import socket
import sqlite3
import sys
import time
from typing import Callable, Optional     # noqa: F401 (Optional: in a type comment)

from smallmail.limits import alarms, configured, policy
from smallmail.limits.memory import Memory
from smallmail.limits.policy import Answer

# Postfix sends about 1 KB. Who sends more is not Postfix.
_LONGEST = 65536

Ask = Callable[[str], str]


class Conversation(asyncio.Protocol):
    """One connection of Postfix, which may ask many questions. An empty line ends each."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._received = b""
        self._transport = None  # type: Optional[asyncio.Transport]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each question that is complete."""
        assert self._transport is not None
        self._received += data
        while b"\n\n" in self._received:
            question, _, self._received = self._received.partition(b"\n\n")
            action = self._ask(question.decode("utf-8", "replace"))
            self._transport.write("action={}\n\n".format(action).encode("utf-8"))
        if len(self._received) > _LONGEST:
            self._transport.close()


class Answers:
    """What answers a question: the settings, the memory, and the folder for alarms."""

    def __init__(self, settings: str, accounts: str, memory: Memory, alarm_folder: str,
                 clock: Callable[[], float] = time.time) -> None:
        """`settings`, `accounts`, `alarm_folder`: paths."""
        self._load = functools.lru_cache(1)(lambda _: configured.load(settings))    # type: ignore[var-annotated]
        self._settings, self._own, self._memory = settings, configured.Own(accounts), memory
        self._alarms, self._clock = alarm_folder, clock

    def ask(self, question: str) -> str:
        """Return the answer to a question. Whatever fails, the message is accepted."""
        try:
            return self._answered(question)
        except sqlite3.Error as error:
            _complain("begins to count anew: {}".format(error))
            self._memory.begin_anew(self._clock())
        except Exception as error:
            _complain("does not count a message: {!r}".format(error))
        return policy.ACCEPTED

    def _answered(self, question: str) -> str:
        found = policy.answer(policy.parse(question), self._load(_time(self._settings)), self._own.limits, self._memory,
                              self._clock())    # type: Answer
        try:
            for letter in found.letters:
                alarms.put(self._alarms, letter)
        except OSError as error:
            _complain("cannot raise an alarm: {}".format(error))
        return found.action


def serve(path: str, group: int, ask: Ask) -> None:
    """Answer on a socket that the group may use, for ever."""
    with listening(path, group) as listener:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(loop.create_unix_server(lambda: Conversation(ask), sock=listener))
        print("smallmail: answers Postfix", file=sys.stderr)
        try:
            loop.run_forever()
        finally:
            server.close()


def listening(path: str, group: int) -> socket.socket:
    """Return a socket at that path, in the place of one that a former process left."""
    beside = path + ".new"
    for each in (beside,):
        if os.path.lexists(each):
            os.unlink(each)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(beside)
    os.chown(beside, -1, group)
    os.chmod(beside, 0o660)
    os.rename(beside, path)
    return listener


def _time(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _complain(sentence: str) -> None:
    print("smallmail: the service for limits {}".format(sentence), file=sys.stderr)


