"""Eyes outside: how long a service is away, and letters that come all the time, while something happens to the host."""
import contextlib
import threading
import time

from tests.system import letters
from tests.system.mailhost import ALICE, BOB, PASSWORD

_PAUSE = 0.5    # seconds from one question to the next
_PATIENCE = 5   # for an answer; what takes longer is no service


class Watch:
    """Asks again and again in a thread of its own; `away` is the sum of seconds between a good answer and the next,
    where there were bad ones in between."""

    def __init__(self, question):
        """`question` raises an exception, or returns."""
        self.away, self.longest, self.asked, self.errors = 0.0, 0.0, 0, []
        self._question, self._stop = question, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
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
                    self.away += now - last_good
                    self.longest = max(self.longest, now - last_good)
                last_good, missed = now, False
            if last:
                break
            self._stop.wait(_PAUSE)
        if missed:
            self.away = self.longest = float("inf")     # it has not come back

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join(60)


def receives(world, server, recipient=ALICE):
    """Whether another mail server would be let in with a message: greeting, STARTTLS on offer, recipient known."""
    def question():
        with contextlib.closing(world.foreign.smtp(server)) as connection:
            if not connection.has_extn("starttls"):
                raise LookupError("no STARTTLS")
            for code, text in (connection.mail(BOB), connection.rcpt(recipient)):
                if code != 250:
                    raise LookupError(f"{code} {text!r}")
            connection.quit()
    return question


def serves(world, server, user=ALICE, password=PASSWORD):
    """Whether a mail program gets to its mail: TLS, login, INBOX opened."""
    def question():
        connection = world.client.imap(server, user, password)
        try:
            status, _ = connection.select("INBOX", readonly=True)
            if status != "OK":
                raise LookupError("INBOX: " + status)
        finally:
            connection.logout()
    return question


class Correspondent:
    """Posts a letter a second from the foreign server, which keeps and retries what is not taken."""

    def __init__(self, world, subject, recipient=ALICE):
        self.posted, self._stop = [], threading.Event()
        self._world, self._subject, self._recipient = world, subject, recipient
        self._thread = threading.Thread(target=self._write, daemon=True)

    def _write(self):
        while not self._stop.is_set():
            subject = f"{self._subject} {len(self.posted) + 1}"
            self._world.foreign.post(BOB, self._recipient, letters.plain(BOB, self._recipient, subject))
            self.posted.append(subject)
            self._stop.wait(1)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join(120)
