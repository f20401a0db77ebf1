"""A machine with smallmail-server installed, its records in the world's DNS, and hands to read and write its mail."""
import concurrent.futures
import contextlib
import time

from tests.lab import packages, roots
from tests.lab.clients import Server, converse
from tests.lab.errors import until
from tests.system import letters

NAME, ADDRESS = "mx.example.org", "203.0.113.10"
ALICE, BOB = "alice@example.org", "bob@example.net"
PASSWORD = "correct horse battery"
ANSWERS = {"hostname": NAME, "domain": "example.org", "address": ALICE, "password": PASSWORD,
           "password-again": PASSWORD, "certificate": "self-signed", "resolver": "system"}
_CONNECTIONS = 10   # at the same time, in a burst


class MailHost:
    """A mail server under test; a `with` block ends in its removal."""

    def __init__(self, suite, deb, world, answers=None, before="", installed=None, disk=False):
        """`before` is run in the machine ahead of the installation, as a line for sh; the layers of `installed` have
        the package in them already; `disk` as in Machine."""
        self.world, self.name = world, NAME
        self.server = Server(NAME, ADDRESS)
        world.foreign.forget()
        world.dns.empty()
        with contextlib.ExitStack() as made:
            layers = installed or roots.warm(suite, deb)
            self.machine = made.enter_context(world.machine(layers, NAME, ADDRESS, disk=disk))
            if before:
                self.machine.run(before)
            if not installed:
                packages.offer(self.machine, deb)
                packages.preseed(self.machine, deb, ANSWERS if answers is None else answers)
                self.said = packages.install(self.machine, "smallmail-server")
            self._wait_serving()
            self.publish()
            made.pop_all()

    def _wait_serving(self):
        for port in (25, 465, 587, 993):
            self.machine.wait_port(port)

    def publish(self):
        """Put into DNS what the host says that it wants there."""
        self.world.dns.set("example.org", self.smallmail("dns show"))
        self.world.dns.set_reverse(ADDRESS, NAME)

    def smallmail(self, words, given=None):
        """Run `smallmail` in the machine; what it said."""
        reads = words.startswith(("plan", "status"))
        return self.machine.run("smallmail " + words, input=given, check=not reads).stdout

    def imap(self, user=ALICE, password=PASSWORD):
        return self.world.client.imap(self.server, user, password)

    def submission(self, port=465, user=ALICE, password=PASSWORD):
        return self.world.client.submission(self.server, user, password, port=port)

    def submit(self, letter, port=465):
        """Send a letter as alice; it must be taken."""
        message = letters.parsed(letter)
        connection = self.submission(port)
        sender, recipient = (message[name].addresses[0].addr_spec for name in ("From", "To"))
        reply = converse(connection, sender, recipient, letter)
        connection.quit()
        assert reply.code == 250, reply

    def submitted(self, letter, sender, recipient=BOB):
        """Send a letter as alice in any sender's name, and tell how it went."""
        connection = self.submission()
        try:
            return converse(connection, sender, recipient, letter)
        finally:
            connection.close()

    def messages(self, folder, user=ALICE):
        """All messages of a folder, parsed."""
        connection = self.imap(user)
        connection.select(folder, readonly=True)
        numbers = connection.search(None, "ALL")[1][0].split()
        parts = connection.fetch(b",".join(numbers), "(BODY.PEEK[])")[1] if numbers else []
        connection.logout()
        return [letters.parsed(part[1]) for part in parts if isinstance(part, tuple)]

    def subjects(self, folder, user=ALICE):
        return [message["Subject"] for message in self.messages(folder, user)]

    def expect(self, folder, subject, user=ALICE, seconds=60):
        """Wait for the message with that subject."""
        def found():
            return next((message for message in self.messages(folder, user) if message["Subject"] == subject), None)
        return until(found, f"{subject!r} in {folder} of {user}", seconds, self.last_words)

    def last_words(self):
        """What the daemons said lately."""
        return "\n" + self.machine.run("journalctl -q --no-pager -n 25 -u 'postfix*' -u dovecot -u rspamd").stdout

    def move(self, source, subject, target):
        """Move a message as a mail program does."""
        connection = self.imap()
        connection.select(source)
        number = connection.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split()[-1]
        assert connection.uid("MOVE", number, target)[0] == "OK"
        connection.logout()

    def subscribed(self):
        connection = self.imap()
        return [line.decode().rpartition(" ")[2].strip('"') for line in connection.lsub()[1]]

    def learned(self):
        """How many messages Rspamd has learned, by class. (What it tells by itself is up to a minute old.)"""
        said = self.machine.run("$(command -v valkey-cli || command -v redis-cli) -s /run/smallmail-redis/redis.sock"
                                " HMGET RS learns_spam learns_ham").stdout
        spam, ham = (int(line or 0) for line in said.split("\n")[:2])
        return {"spam": spam, "ham": ham}

    def wait(self, condition, what, seconds=60):
        return until(condition, what, seconds, self.last_words)

    def timed(self, action):
        started = time.monotonic()
        result = action()
        return time.monotonic() - started, result

    def fingerprint(self):
        """All configuration, and since when each daemon runs."""
        return self.machine.run(
            "find /etc -type f -exec sha256sum {} + | sort; find /etc -printf '%p %m %u %g %l\\n' | sort;"
            " systemctl show -p MainPID -p ActiveEnterTimestamp postfix postfix@- dovecot rspamd smallmail-redis;"
            " journalctl -q --no-pager _PID=1 | grep -c ': Reloading' || true").stdout

    def settled(self):
        """The fingerprint, once nothing goes on any more; else nothing."""
        first = self.fingerprint()
        time.sleep(0.5)
        return first if self.fingerprint() == first else None

    def burst(self, recipient, count):
        """Many messages at once from outside; seconds until the last is in the mailbox, and how many were deferred."""
        started = time.monotonic()
        letter = letters.plain(BOB, recipient, "burst")

        def connection_full(_):
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

    def count(self, folder, user):
        connection = self.imap(user)
        number = int(connection.select(folder, readonly=True)[1][0])
        connection.logout()
        return number

    def reboot(self):
        """Seconds until it serves again."""
        started = time.monotonic()
        self.machine.reboot()
        self._wait_serving()
        return time.monotonic() - started

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.machine.close()
