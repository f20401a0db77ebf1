"""Serve Postfix's questions on a socket. One thread answers one after the other, so nothing is counted twice."""
import asyncio
import functools
import os
import socket
import sqlite3
import sys
import time
from typing import Callable, Optional  # noqa: F401 (in a type comment)

from smallmail.limits import alarms, configured, policy
from smallmail.limits.memory import Memory
from smallmail.limits.policy import Answer  # noqa: F401 (in a type comment)
from smallmail.machine import state
from smallmail.machine.host import Host

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
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each question that is complete."""
        if self._transport is None:
            return
        self._received += data
        while b"\n\n" in self._received:
            question, _, self._received = self._received.partition(b"\n\n")
            action = self._ask(question.decode("utf-8", "replace"))
            self._transport.write("action={}\n\n".format(action).encode("utf-8"))
        if len(self._received) > _LONGEST:
            self._transport.close()


class Answers:
    """What answers a question: the settings, the memory, and the host, which keeps alarms."""

    def __init__(self, host: Host, memory: Memory) -> None:
        settings = host.path(state.LIMITS_CONFIGURED)
        self._load = functools.lru_cache(1)(lambda _: configured.load(settings))    # type: ignore[var-annotated]
        self._settings, self._own = settings, configured.Own(host.path(state.ACCOUNTS))
        self._host, self._memory = host, memory

    def ask(self, question: str) -> str:
        """Return the answer to a question. Whatever fails, the message is accepted."""
        try:
            return self._answered(question)
        except sqlite3.Error as error:
            _complain("begins to count anew: {}".format(error))
            self._memory.begin_anew(time.time())
        except Exception as error:
            _complain("does not count a message: {!r}".format(error))
        return policy.ACCEPTED

    def _answered(self, question: str) -> str:
        found = policy.answer(policy.parse(question), self._load(_time(self._settings)), self._own.limits, self._memory,
                              time.time())    # type: Answer
        try:
            for letter in found.letters:
                alarms.put(self._host, letter)
        except OSError as error:
            _complain("cannot raise an alarm: {}".format(error))
        return found.action


def serve(host: Host, path: str, ask: Ask) -> None:
    """Answer on a socket at that path, for ever."""
    with listening(host, path) as listener:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(loop.create_unix_server(lambda: Conversation(ask), sock=listener))
        print("smallmail: answers Postfix", file=sys.stderr)
        try:
            loop.run_forever()
        finally:
            server.close()


def listening(host: Host, path: str) -> socket.socket:
    """Return a socket at that path, in the place of one that a former process left. This process's group may use it."""
    host.remove(path)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o117)
    try:
        listener.bind(host.path(path))
    finally:
        os.umask(before)
    return listener


def _time(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _complain(sentence: str) -> None:
    print("smallmail: the service for limits {}".format(sentence), file=sys.stderr)
