"""A machine with smallmail-server installed and its records in the world's DNS; its mail is read and written here."""

from __future__ import annotations

import concurrent.futures
import contextlib
import imaplib
import smtplib
import time
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Self, TypeVar

from tests.lab import World, packages, roots
from tests.lab.clients import Reply, Server, converse
from tests.lab.errors import until
from tests.lab.machine import Machine
from tests.support import imap, letters

NAME, ADDRESS = "mx.example.org", "203.0.113.10"
ALICE, BOB = "alice@example.org", "bob@example.net"
PASSWORD = "correct horse battery"
ANSWERS = {"hostname": NAME, "domain": "example.org", "address": ALICE, "password": PASSWORD,
           "password-again": PASSWORD, "certificate": "self-signed", "resolver": "system"}
_CONNECTIONS = 10   # at the same time, in a burst
T = TypeVar("T")


class MailHost:
    """A mail server under test; a `with` block ends in its removal."""

    def __init__(self, suite: str, deb: Path, world: World, answers: Mapping[str, str] | None = None, before: str = "",
                 installed: Sequence[Path] | None = None, disk: bool = False, start: Sequence[str] = ()) -> None:
        """`before` is run in the machine ahead of the installation, as a line for sh; the layers of `installed` have
        the package in them already; `disk` and `start` as in Machine."""
        self.world, self.name = world, NAME
        self.server = Server(NAME, ADDRESS)
        world.foreign.forget()
        world.dns.empty()
        with contextlib.ExitStack() as made:
            layers = installed or roots.warm(suite, deb)
            self.machine = made.enter_context(world.machine(layers, NAME, ADDRESS, disk=disk, start=start))
            if before:
                self.machine.run(before)
            if not installed:
                packages.offer(self.machine, deb)
                packages.preseed(self.machine, deb, ANSWERS if answers is None else answers)
                self.said = packages.install(self.machine, "smallmail-server")
            self._wait_serving()
            self.publish()
            made.pop_all()

    @classmethod
    def around(cls, machine: Machine, world: World) -> Self:
        """Return the mail server that a machine has become."""
        host = cls.__new__(cls)
        host.machine, host.world, host.name, host.server = machine, world, NAME, Server(NAME, ADDRESS)
        host._wait_serving()
        return host

    def _wait_serving(self) -> None:
        for port in (25, 465, 587, 993):
            self.machine.wait_port(port)

    def publish(self) -> None:
        """Put into DNS what the host says that it wants there."""
        self.world.dns.set("example.org", self.smallmail("dns show"))
        self.world.dns.set_reverse(ADDRESS, NAME)

    def smallmail(self, words: str, given: str | None = None) -> str:
        """Run `smallmail` in the machine. Returns its output."""
        reads = words.startswith(("plan", "status"))
        return self.machine.run("smallmail " + words, input=given, check=not reads).stdout

    def reload_rspamd(self, words: str) -> None:
        """Run `smallmail`, and wait until all processes of Rspamd's milter are new: it reloads in the background."""
        def processes() -> set[str]:
            return set(self.machine.run("pgrep -f 'rspamd: rspamd_proxy'", check=False).stdout.split())

        old = processes()
        self.smallmail(words)
        self.wait(lambda: not old & processes() and processes(), "Rspamd to reload")

    def imap(self, user: str = ALICE, password: str = PASSWORD) -> imaplib.IMAP4_SSL:
        return self.world.client.imap(self.server, user, password)

    def submission(self, port: int = 465, user: str = ALICE, password: str = PASSWORD) -> smtplib.SMTP:
        return self.world.client.submission(self.server, user, password, port=port)

    def submit(self, letter: bytes, port: int = 465) -> None:
        """Send a letter as alice; it must be taken."""
        message = letters.parsed(letter)
        connection = self.submission(port)
        sender, recipient = (message[name].addresses[0].addr_spec for name in ("From", "To"))
        reply = converse(connection, sender, recipient, letter)
        connection.quit()
        assert reply.code == 250, reply

    def submitted(self, letter: bytes, sender: str, recipient: str = BOB) -> Reply:
        """Send a letter with alice's login and any sender. Returns the server's last reply."""
        connection = self.submission()
        try:
            return converse(connection, sender, recipient, letter)
        finally:
            connection.close()

    def messages(self, folder: str, user: str = ALICE) -> list[EmailMessage]:
        """Return all messages of a folder."""
        connection = self.imap(user)
        found = imap.fetch(connection, folder, "(BODY.PEEK[])")
        connection.logout()
        return [letters.parsed(raw) for raw in found]

    def subjects(self, folder: str, user: str = ALICE) -> list[str]:
        return [message["Subject"] for message in self.messages(folder, user)]

    def expect(self, folder: str, subject: str, user: str = ALICE, seconds: float = 60) -> EmailMessage:
        """Wait for the message with that subject."""
        def found() -> EmailMessage | None:
            return next((message for message in self.messages(folder, user) if message["Subject"] == subject), None)
        return until(found, f"{subject!r} in {folder} of {user}", seconds, self.last_words)

    def last_words(self) -> str:
        """Return the last lines of the daemons' logs."""
        return "\n" + self.machine.run("journalctl -q --no-pager -n 25 -u 'postfix*' -u dovecot -u rspamd").stdout

    def move(self, source: str, subject: str, target: str) -> None:
        """Move a message as a mail program does."""
        connection = self.imap()
        connection.select(source)
        number = connection.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split()[-1]
        assert connection.uid("MOVE", number, target)[0] == "OK"
        connection.logout()

    def subscribed(self) -> list[str]:
        connection = self.imap()
        return [line.decode().rpartition(" ")[2].strip('"') for line in connection.lsub()[1]]

    def learned(self) -> dict[str, int]:
        """Return how many messages Rspamd has learned, by class. (What it tells by itself is up to a minute old.)"""
        said = self.machine.run("$(command -v valkey-cli || command -v redis-cli) -s /run/smallmail-redis/redis.sock"
                                " HMGET RS learns_spam learns_ham").stdout
        spam, ham = (int(line or 0) for line in said.split("\n")[:2])
        return {"spam": spam, "ham": ham}

    def wait(self, condition: Callable[[], T | None], what: str, seconds: float = 60) -> T:
        return until(condition, what, seconds, self.last_words)

    def timed(self, action: Callable[[], T]) -> tuple[float, T]:
        started = time.monotonic()
        result = action()
        return time.monotonic() - started, result

    def fingerprint(self) -> str:
        """Return all configuration, and since when each daemon runs."""
        return self.machine.run(
            "find /etc -type f -exec sha256sum {} + | sort; find /etc -printf '%p %m %u %g %l\\n' | sort;"
            " systemctl show -p MainPID -p ActiveEnterTimestamp postfix postfix@- dovecot rspamd smallmail-redis;"
            " journalctl -q --no-pager _PID=1 | grep -c ': Reloading' || true").stdout

    def settled(self) -> str | None:
        """Return the fingerprint, or None while it still changes."""
        first = self.fingerprint()
        time.sleep(0.5)
        return first if self.fingerprint() == first else None

    def burst(self, recipient: str, count: int) -> tuple[float, int]:
        """Send many messages at once from outside.

        Returns the seconds until the last is in the mailbox, and how many were deferred.
        """
        started = time.monotonic()
        letter = letters.plain(BOB, recipient, "burst")

        def connection_full(_: int) -> list[Reply]:
            connection = self.world.foreign.smtp(self.server)
            replies = [converse(connection, BOB, recipient, letter) for _ in range(count // _CONNECTIONS)]
            connection.quit()
            return replies

        with concurrent.futures.ThreadPoolExecutor(_CONNECTIONS) as pool:
            for replies in pool.map(connection_full, range(_CONNECTIONS)):
                assert {reply.code for reply in replies} == {250}
        self.wait(lambda: self.count("INBOX", recipient) >= count, f"all {count} messages", 120)
        seconds = time.monotonic() - started
        deferred = self.machine.run("journalctl -q --no-pager -u 'postfix*' |"
                                    f" grep -c 'to=<{recipient}>.*status=deferred'", check=False).stdout
        return seconds, int(deferred)

    def count(self, folder: str, user: str) -> int:
        connection = self.imap(user)
        number = int(connection.select(folder, readonly=True)[1][0] or b"")
        connection.logout()
        return number

    def reboot(self) -> float:
        """Reboot the machine. Returns the seconds until it serves again."""
        started = time.monotonic()
        self.machine.reboot()
        self._wait_serving()
        return time.monotonic() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.machine.close()
