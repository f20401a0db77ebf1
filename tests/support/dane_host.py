"""A machine whose certificate has TLSA records, and another server that verifies them all the time."""

from __future__ import annotations

import subprocess
import threading
import time

from tests.lab import Machine, World, foreign, inside
from tests.lab.dns import TTL
from tests.lab.errors import until
from tests.support import letters
from tests.support.certificate_host import NAME, CertificateHost, openssl_x509

RECORD, THEIRS = f"_25._tcp.{NAME}", f"_25._tcp.{foreign.NAME}"
ALICE, BOB = "alice@example.com", "bob@example.net"
FINGER = ["/usr/sbin/posttls-finger", "-c", "-l", "dane", "-L", "summary", "-t", "20", f"[{NAME}]:25"]


class DaneProbe(threading.Thread):
    """Another mail server that connects all the time: posttls-finger(1), which verifies by DNS as Postfix does."""

    def __init__(self, world: World, machine: Machine) -> None:
        super().__init__()
        self._namespace, self._root, self._stop_it = world.client.namespace, machine.path, threading.Event()
        self.verified = 0
        self.failed: list[tuple[str, str]] = []

    def connect(self) -> str:
        """Connect once. Returns what posttls-finger says."""
        with inside(self._namespace):
            return subprocess.run(["chroot", str(self._root), *FINGER], stdin=subprocess.DEVNULL, encoding="utf-8",
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout

    def run(self) -> None:
        while not self._stop_it.is_set():
            said = self.connect()
            if "Verified TLS connection established" in said:
                self.verified += 1
            else:
                self.failed.append((time.strftime("%H:%M:%S"), said))
            time.sleep(0.05)

    def end(self) -> None:
        self._stop_it.set()
        self.join()


class DaneHost(CertificateHost):
    """A machine whose certificate has TLSA records in DNS."""

    def tlsa(self) -> list[str]:
        """Return the TLSA records that the lab's resolver knows."""
        return sorted(self.world.dns.query(RECORD, "TLSA"))

    def set_tlsa(self, *values: str) -> None:
        """Replace the TLSA records by these, with the lab's short TTL."""
        self.world.dns.set("example.com", "".join(f"{RECORD}. TLSA {value}\n" for value in values or self.tlsa()))

    def key(self) -> str:
        """Return the public key of the one certificate on all ports."""
        shown, = self.served()
        return openssl_x509(shown, "-pubkey")

    def send(self, subject: str) -> None:
        """Send a letter to the foreign server."""
        self.machine.run(["sendmail", "-f", ALICE, BOB], input=letters.plain(ALICE, BOB, subject))

    def logged(self, words: str) -> str:
        """Return the last line of Postfix's log that has these words, or nothing."""
        lines = self.machine.run("journalctl -q --no-pager -t postfix/smtp").stdout.splitlines()
        return next((line for line in reversed(lines) if words in line), "")

    def set_foreign_tlsa(self, value: str) -> None:
        """Set the foreign server's TLSA record, and wait until the resolver and Postfix have forgotten the old."""
        self.world.dns.set("example.net", f"{THEIRS}. TLSA {value}\n")
        time.sleep(5 * TTL)

    def retry_until_received(self, subject: str) -> None:
        """Let Postfix try again until the letter is at the foreign server."""
        def received() -> bool:
            self.machine.run("postqueue -f")
            if any(message["Subject"] == subject for message in self.world.foreign.mail(BOB)):
                return True
            time.sleep(1)
            return False
        until(received, f"{subject!r} to reach {BOB}", 60, lambda: self.logged(""))

    def security_level(self) -> str:
        return self.machine.run("postconf -h smtp_tls_security_level").stdout.strip()

    def run_timer_twice(self) -> None:
        """Run the timer twice, the second time after the TTL."""
        self.run_timer()
        time.sleep(1.5)
        self.run_timer()
