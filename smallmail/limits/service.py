"""Serve Postfix's questions on a socket, and hear of logins. One thread does one after the other, so nothing is counted
twice."""
import asyncio
import functools
import os
import socket
import sqlite3
import sys
import time
from typing import Callable, List, Optional  # noqa: F401 (Optional: in a type comment)

from smallmail.bans import reports
from smallmail.limits import alarms, configured, logins, policy
from smallmail.limits.memory import Memory
from smallmail.limits.policy import Answer
from smallmail.limits.told import Letter
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
    """What answers questions and hears of logins: the settings, the memory, and the host, which keeps alarms."""

    def __init__(self, host: Host, memory: Memory) -> None:
        settings = host.path(state.LIMITS_CONFIGURED)
        self._load = functools.lru_cache(1)(lambda _: configured.load(settings))    # type: ignore[var-annotated]
        self._settings, self._own = settings, configured.Own(host.path(state.ACCOUNTS))
        self._host, self._memory = host, memory

    def ask(self, question: str) -> str:
        """Return the answer to a question. Whatever fails, the message is accepted."""
        return self._done(lambda now: policy.answer(policy.parse(question), self._configured(), self._own.limits,
                                                    self._memory, now))

    def hear(self, datagram: bytes) -> None:
        """Take what the daemon of bans tells of a login. It has no say in who gets letters: the owners of mailboxes."""
        login = reports.read(datagram)
        if login is not None:
            self._done(functools.partial(self._heard, login))

    def remind(self) -> None:
        """Write the letters about logins whose time has come."""
        self._done(lambda now: Answer(policy.ACCEPTED, logins.late(self._configured(), self._memory, now)))

    def _done(self, work: Callable[[float], Answer]) -> str:
        """Do some work, and keep the letters that it returns. Returns what Postfix is answered."""
        try:
            found = work(time.time())
            self._keep(found.letters)
            return found.action
        except sqlite3.Error as error:
            _complain("begins to count anew: {}".format(error))
            self._memory.begin_anew(time.time())
        except Exception as error:
            _complain("does not count a message or a login: {!r}".format(error))
        return policy.ACCEPTED

    def _heard(self, login: reports.Login, now: float) -> Answer:
        is_mailbox = self._own.is_mailbox(login.login)
        letters = logins.letters(self._configured(), self._memory, login, now) if is_mailbox else []
        return Answer(policy.ACCEPTED, letters)

    def _keep(self, letters: List[Letter]) -> None:
        try:
            for letter in letters:
                alarms.put(self._host, letter)
        except OSError as error:
            _complain("cannot raise an alarm: {}".format(error))

    def _configured(self) -> configured.Configured:
        return self._load(_time(self._settings))


def serve(host: Host, path: str, ask: Ask, begin: Callable[[asyncio.AbstractEventLoop], None] = lambda _: None) -> None:
    """Answer on a socket at that path, for ever. `begin`: what begins other work in the same loop."""
    with listening(host, path, socket.SOCK_STREAM, 0o660) as listener:
        loop = asyncio.new_event_loop()
        begin(loop)
        server = loop.run_until_complete(loop.create_unix_server(lambda: Conversation(ask), sock=listener))
        print("smallmail: answers Postfix", file=sys.stderr)
        try:
            loop.run_forever()
        finally:
            server.close()


def listening(host: Host, path: str, kind: int, mode: int) -> socket.socket:
    """Return a socket at that path, in the place of one that a former process left, with these permissions."""
    host.remove(path)
    listener = socket.socket(socket.AF_UNIX, kind)
    before = os.umask(0o777 & ~mode)
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
