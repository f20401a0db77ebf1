"""Servers outside that send mail without end.

Each letter is offered again until it is taken (RFC 5321, 4.5.4.1).
"""

from __future__ import annotations

import itertools
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from tests.lab.clients import converse
from tests.support import letters
from tests.support.mail_host import BOB, MailHost

_PAUSE = 0.3  # seconds before a letter is offered again


class Found(NamedTuple):
    """What became of the letters that were taken."""

    taken: int
    lost: list[str]
    doubled: list[str]


class Senders:
    """Some connections' worth of senders, for mailboxes in turn."""

    def __init__(self, host: MailHost, mailboxes: Sequence[str], number: int) -> None:
        self._host, self._mailboxes = host, mailboxes
        self._over, self._count = threading.Event(), itertools.count()
        self.taken: dict[str, str] = {}  # subject: mailbox
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        while not self._over.is_set():
            number = next(self._count)
            subject, mailbox = f"letter {number}.", self._mailboxes[number % len(self._mailboxes)]
            while not self._is_taken(subject, mailbox) and not self._over.is_set():
                time.sleep(_PAUSE)

    def _is_taken(self, subject: str, mailbox: str) -> bool:
        try:
            connection = self._host.world.foreign.smtp(self._host.server)
            try:
                reply = converse(connection, BOB, mailbox, letters.plain(BOB, mailbox, subject))
            finally:
                connection.close()
        except smtplib.SMTPResponseException as refusal:
            return self._judge(subject, mailbox, refusal.smtp_code, repr(refusal))
        except (OSError, smtplib.SMTPException) as gone:  # without an answer a sender keeps the letter
            self.answers[type(gone).__name__] += 1
            return False
        return self._judge(subject, mailbox, reply.code, repr(reply))

    def _judge(self, subject: str, mailbox: str, code: int, said: str) -> bool:
        self.answers[f"{code // 100}xx"] += 1
        if code == 250:
            self.taken[subject] = mailbox
        elif code // 100 == 5:
            self.wrong.append(f"{subject} {said}")
        return code == 250

    def wait_taken(self, more: int, seconds: float) -> None:
        """Wait until so many more letters have been taken."""
        goal = len(self.taken) + more
        self._host.wait(lambda: len(self.taken) >= goal, f"{more} more letters to be taken, {self.answers}", seconds)

    def stop(self) -> None:
        """Let each sender end its letter."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def found(self) -> Found:
        """Wait until the queue is empty, and look into the mailboxes. Returns what is there of what was taken."""
        machine = self._host.machine
        def is_empty() -> bool:
            return not machine.run("postqueue -f; sleep 2; postqueue -j").stdout
        self._host.wait(is_empty, "an empty queue", 300)
        copies = Counter(subject for mailbox in self._mailboxes for folder in ("INBOX", "Junk")
                         for subject in self._host.subjects(folder, mailbox) if subject.startswith("letter "))
        return Found(len(self.taken), [subject for subject in self.taken if not copies[subject]],
                     [subject for subject, number in copies.items() if number > 1])


@contextmanager
def sending(host: MailHost, mailboxes: Sequence[str], number: int = 4) -> Iterator[Senders]:
    """Let mail come in for as long as the block lasts."""
    senders = Senders(host, mailboxes, number)
    try:
        yield senders
    finally:
        senders.stop()
