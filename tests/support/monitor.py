"""Measure from outside how long a service is down, and send letters all the time, whatever happens to the host."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from tests.lab import World
from tests.lab.clients import Server
from tests.support import letters
from tests.support.mail_host import ALICE, BOB, PASSWORD

_PAUSE = 0.5    # seconds from one question to the next
_PATIENCE = 5   # for an answer; what takes longer is no service


class Monitor:
    """Ask a service again and again in a thread.

    `downtime` is the sum of the seconds from a good answer to the next, if there were bad ones in between.
    """

    def __init__(self, question: Callable[[], None]) -> None:
        """`question` raises an exception, or returns."""
        self.downtime, self.longest, self.asked = 0.0, 0.0, 0
        self.errors: list[str] = []
        self._question, self._stop = question, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        last_good, missed = time.monotonic(), False
        while True:
            last = self._stop.is_set()
            asked = time.monotonic()
            self.asked += 1
            try:
                self._question()
            except Exception as error:  # whatever it is, a client gets no mail
                missed = True
                self.errors.append(f"{type(error).__name__}: {error}")
            else:
                now = time.monotonic()
                if missed or now - asked > _PATIENCE:
                    self.downtime += now - last_good
                    self.longest = max(self.longest, now - last_good)
                last_good, missed = now, False
            if last:
                break
            self._stop.wait(_PAUSE)
        if missed:
            self.downtime = self.longest = float("inf")     # it has not come back

    def __enter__(self) -> Monitor:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(60)


def accepts_mail(world: World, server: Server, recipient: str = ALICE) -> Callable[[], None]:
    """Return a question: does port 25 greet, offer STARTTLS and accept the recipient?"""
    def question() -> None:
        with contextlib.closing(world.foreign.smtp(server)) as connection:
            if not connection.has_extn("starttls"):
                raise LookupError("no STARTTLS")
            for code, text in (connection.mail(BOB), connection.rcpt(recipient)):
                if code != 250:
                    raise LookupError(f"{code} {text!r}")
            connection.quit()
    return question


def serves_imap(world: World, server: Server, user: str = ALICE, password: str = PASSWORD) -> Callable[[], None]:
    """Return a question: can a mail program log in by IMAP over TLS and open its INBOX?"""
    def question() -> None:
        connection = world.client.imap(server, user, password)
        try:
            status, _ = connection.select("INBOX", readonly=True)
            if status != "OK":
                raise LookupError("INBOX: " + status)
        finally:
            connection.logout()
    return question


class Sender:
    """Send a letter every second from the foreign server, which keeps what is not accepted and tries again."""

    def __init__(self, world: World, subject: str, recipient: str = ALICE) -> None:
        self.posted: list[str] = []
        self._stop = threading.Event()
        self._world, self._subject, self._recipient = world, subject, recipient
        self._thread = threading.Thread(target=self._write, daemon=True)

    def _write(self) -> None:
        while not self._stop.is_set():
            subject = f"{self._subject} {len(self.posted) + 1}"
            self._world.foreign.post(BOB, self._recipient, letters.plain(BOB, self._recipient, subject))
            self.posted.append(subject)
            self._stop.wait(1)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(120)
