"""Guess passwords from many addresses, a few guessers at each, until ended or for so many seconds.

It runs in a network namespace that has the addresses (`tests.lab.network`), attacks nothing outside of the lab's
addresses, and prints in the end how many guesses were answered:

    python3 -m tests.attacks.guesses --each 3 --seconds 60 --from 203.0.113.101 203.0.113.10 alice@example.org
"""

from __future__ import annotations

import argparse
import contextlib
import imaplib
import itertools
import smtplib
import socket
import ssl
import threading
import time

from tests.attacks.connections import must_be_of_the_lab

PATIENCE = 20  # seconds
PAUSE = 0.1  # seconds after a connection that failed
_UNTRUSTING = ssl._create_unverified_context()


class Guesser(threading.Thread):
    """Logs in with one wrong password after the other, at IMAP and submission by turns."""

    def __init__(self, target: str, source: str, number: int, user: str, end: float) -> None:
        super().__init__(daemon=True)
        self._target, self._source, self._number, self._user, self._end = target, source, number, user, end
        self.answered = 0

    def run(self) -> None:
        for guess in itertools.count():
            if time.monotonic() > self._end:
                return
            try:
                self._try(f"guess {self._source} {self._number} {guess}", by_imap=guess % 2 == 0)
            except (imaplib.IMAP4.error, smtplib.SMTPException):
                self.answered += 1
            except OSError:
                time.sleep(PAUSE)

    def _try(self, password: str, by_imap: bool) -> None:
        if by_imap:
            with contextlib.closing(_Imap(self._target, self._source)) as connection:
                connection.login(self._user, password)
        else:
            with smtplib.SMTP_SSL(self._target, 465, "guesser.test", timeout=PATIENCE, context=_UNTRUSTING,
                                  source_address=(self._source, 0)) as session:
                session.login(self._user, password)


class _Imap(imaplib.IMAP4_SSL):
    """A connection from an address of one's own choice."""

    def __init__(self, target: str, source: str) -> None:
        self._source = source
        super().__init__(target, 993, ssl_context=_UNTRUSTING, timeout=PATIENCE)

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), timeout, (self._source, 0))
        return _UNTRUSTING.wrap_socket(plain)

    def close(self) -> None:  # type: ignore[override]
        """Close the connection (IMAP's CLOSE is for mailboxes)."""
        self.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--each", type=int, default=3, help="guessers at each address")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--from", dest="sources", action="append", required=True, help="an address to come from")
    parser.add_argument("target")
    parser.add_argument("user")
    given = parser.parse_args()
    must_be_of_the_lab(parser, given.target)
    end = time.monotonic() + given.seconds
    guessers = [Guesser(given.target, source, number, given.user, end)
                for source in given.sources for number in range(given.each)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join(given.seconds + 2 * PATIENCE)
    print(sum(guesser.answered for guesser in guessers))


if __name__ == "__main__":
    main()
