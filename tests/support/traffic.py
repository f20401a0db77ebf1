"""Mail from this host to the foreign server, one message after the other, each with its signatures."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import letters
from tests.support.mail_host import ALICE, BOB, MailHost


class Traffic(threading.Thread):
    """Sends one message after the other, and judges each as soon as it has arrived."""

    def __init__(self, host: MailHost, patient: bool = False) -> None:
        """`patient`: a server that is not there, or does not take a message now, is asked again."""
        super().__init__()
        self._mail, self._over, self._began, self._patient = host, threading.Event(), time.monotonic(), patient
        self.bad: list[tuple[object, ...]] = []
        self.signed: list[frozenset[str]] = []
        self.refused = 0

    def run(self) -> None:
        while not self._over.wait(0.2):
            subject = f"in transit {self._began} {len(self.signed) + self.refused}"
            try:
                if not self._taken(subject):
                    continue
                raw = self._mail.world.foreign.expect(BOB, subject)
                dkimpy = self._mail.world.signatures(raw)
                exim = [str(verdict) for verdict in letters.parsed(raw).get_all("X-DKIM-Verdict", [])]
                if len(dkimpy) != 2 or not all(dkimpy.values()) or [line.split()[0] for line in exim] != ["pass"] * 2:
                    self.bad.append((subject, dkimpy, exim))
                self.signed.append(frozenset(dkimpy))
            except Exception as error:  # a thread's own would be lost
                self.bad.append((subject, repr(error)))
                self.signed.append(frozenset())

    def _taken(self, subject: str) -> bool:
        try:
            self._mail.submit(letters.plain(ALICE, BOB, subject))
        except (OSError, smtplib.SMTPException, AssertionError):
            if not self._patient:
                raise
            self.refused += 1
            return False
        return True

    def stop(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def traffic(host: MailHost, patient: bool = False) -> Iterator[Traffic]:
    flow = Traffic(host, patient)
    flow.start()
    try:
        yield flow
        sent = len(flow.signed)
        host.wait(lambda: len(flow.signed) > sent, "a message after all that")
    finally:
        flow.stop()
    assert flow.bad == []
