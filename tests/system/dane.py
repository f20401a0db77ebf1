"""Machines whose certificate has TLSA records, and another server that looks at them all the time."""
import subprocess
import threading
import time

from tests.lab import foreign, inside
from tests.lab.dns import TTL
from tests.lab.errors import until
from tests.system import letters
from tests.system.certified import NAME, Certified, said_of

RECORD, THEIRS = f"_25._tcp.{NAME}", f"_25._tcp.{foreign.NAME}"
ALICE, BOB = "alice@example.com", "bob@example.net"
FINGER = ["/usr/sbin/posttls-finger", "-c", "-l", "dane", "-L", "summary", "-t", "20", f"[{NAME}]:25"]


class Fingers(threading.Thread):
    """Another mail server that connects all the time: Postfix's own tool, which asks the lab's resolver for the records
    and judges as Postfix does."""

    def __init__(self, world, machine):
        super().__init__()
        self._namespace, self._root, self._stop_it = world.client.namespace, machine.path, threading.Event()
        self.verified, self.failed = 0, []

    def probe(self):
        """What it says of one connection."""
        with inside(self._namespace):
            return subprocess.run(["chroot", str(self._root), *FINGER], stdin=subprocess.DEVNULL, encoding="utf-8",
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout

    def run(self):
        while not self._stop_it.is_set():
            said = self.probe()
            if "Verified TLS connection established" in said:
                self.verified += 1
            else:
                self.failed.append((time.strftime("%H:%M:%S"), said))
            time.sleep(0.05)

    def end(self):
        self._stop_it.set()
        self.join()


class Dane(Certified):
    def values(self):
        """The TLSA records, as the lab's resolver has them."""
        return sorted(self.world.dns.query(RECORD, "TLSA"))

    def quick(self, *values):
        """Let the records be these, with the lab's short TTL."""
        self.world.dns.set("example.com", "".join(f"{RECORD}. TLSA {value}\n" for value in values or self.values()))

    def key(self):
        """The public key that all ports show."""
        shown, = self.served()
        return said_of(shown, "-pubkey")

    def send(self, subject):
        """Mail from here to the foreign server."""
        self.machine.run(["sendmail", "-f", ALICE, BOB], input=letters.plain(ALICE, BOB, subject))

    def logged(self, words):
        """The last line of Postfix in which these words are."""
        lines = self.machine.run("journalctl -q --no-pager -t postfix/smtp").stdout.splitlines()
        return next((line for line in reversed(lines) if words in line), "")

    def theirs(self, value):
        """Let the foreign server's record be this, also for the machine's own resolver and then for Postfix, which both
        remember what was there."""
        self.world.dns.set("example.net", f"{THEIRS}. TLSA {value}\n")
        time.sleep(5 * TTL)

    def arrives(self, subject):
        """Have Postfix try again until the letter is at the foreign server."""
        def there():
            self.machine.run("postqueue -f")
            return any(message["Subject"] == subject for message in self.world.foreign.mail(BOB)) or time.sleep(1)
        until(there, f"{subject!r} to reach {BOB}", 60, lambda: self.logged(""))

    def level(self):
        return self.machine.run("postconf -h smtp_tls_security_level").stdout.strip()

    def settle(self):
        """Two looks, and the second later than the TTL."""
        self.look()
        time.sleep(1.5)
        self.look()
