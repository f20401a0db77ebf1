"""What was answered with 250 is found, whatever dies, fills up or goes away meanwhile."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import World
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ALICE, PASSWORD, MailHost
from tests.support.senders import Found, Senders, sending

SEED = 20261126
# What is killed, by how pkill finds it, and the port that tells that it is back.
DAEMONS = {
    "Postfix": ("-x master", 25),
    "all of Postfix": ("-f /usr/lib/postfix", 25),
    "Dovecot": ("-x dovecot", 993),
    "all of Dovecot": ("-f dovecot", 993),
    "Rspamd": ("-x rspamd", 11334),
    "Redis": ("-f '[s]mallmail-redis/redis.sock'", 0),
}
STORE = "/srv/mail"


def kill(host: MailHost, daemon: str) -> None:
    victim, _ = DAEMONS[daemon]
    host.machine.run(f"pkill -9 {victim}", check=False)


def is_back(host: MailHost, daemon: str) -> bool:
    """Whether a daemon runs again. Nobody but systemd may have started it."""
    port = DAEMONS[daemon][1]
    if not port:
        return host.machine.run("systemctl is-active smallmail-redis", check=False).stdout.strip() == "active"
    return bool(host.machine.run(["ss", "-Hltn", f"sport = :{port}"]).stdout)


def judged(senders: Senders, may_double: int) -> Found:
    """Nothing may be lost; doubled only what a kill between the delivery and its answer can double (RFC 1047)."""
    found = senders.found()
    assert not senders.wrong
    assert not found.lost
    assert len(found.doubled) <= may_double, found.doubled
    return found


def test_daemons_that_are_killed_come_back_and_lose_nothing(host: MailHost, record: Record) -> None:
    machine = host.machine
    with sending(host, [ALICE]) as senders:
        for daemon in DAEMONS:
            senders.wait_taken(5, 60)
            kill(host, daemon)
            host.wait(lambda daemon=daemon: is_back(host, daemon), f"{daemon} to come back", 60)  # type: ignore[misc]
        senders.wait_taken(10, 90)
    found = judged(senders, may_double=2 * len(DAEMONS))
    assert machine.run("systemctl --failed --no-legend --plain").stdout == ""
    record(f"{len(DAEMONS)} kills; {found.taken} letters taken, {len(found.lost)} lost, {len(found.doubled)} doubled;"
           f" answers {dict(senders.answers)}")


class Faults:
    """What happens to a machine with a disk of its own. Each ends with the machine whole again."""

    def __init__(self, host: MailHost, moments: random.Random) -> None:
        self._host, self._moments = host, moments
        self.all: tuple[Callable[[], None], ...] = (
            self.kill, self.kill_often, self.cut_power, self.fill_the_disk, self.no_resolver, self.upgrade)

    def kill(self) -> None:
        """Kill each daemon once."""
        for daemon in DAEMONS:
            kill(self._host, daemon)
            self._host.wait(lambda daemon=daemon: is_back(self._host, daemon), daemon, 90)  # type: ignore[misc]

    def kill_often(self) -> None:
        """Kill a daemon each second, but no unit oftener than systemd starts it again."""
        for _ in range(8):
            kill(self._host, self._moments.choice(list(DAEMONS)))
            time.sleep(self._moments.uniform(1, 4))
        for daemon in DAEMONS:
            self._host.wait(lambda daemon=daemon: is_back(self._host, daemon), daemon, 90)  # type: ignore[misc]

    def cut_power(self) -> None:
        """Cut the power of the whole machine."""
        self._host.machine.cut_power()
        for port in (25, 993):
            self._host.machine.wait_port(port)

    def fill_the_disk(self) -> None:
        """Let the disk be full, of the store and of the spool."""
        machine = self._host.machine
        machine.run(f"dd if=/dev/zero of={STORE}/full bs=1M", check=False, timeout=300)
        machine.run(f"dd if=/dev/zero of={STORE}/full2 bs=1", check=False, timeout=20)
        time.sleep(15)
        machine.run(f"rm {STORE}/full {STORE}/full2")

    def no_resolver(self) -> None:
        """Let no question to a name server be answered."""
        machine = self._host.machine
        machine.run("ip route add blackhole 203.0.113.53/32 metric 0")
        time.sleep(20)
        machine.run("ip route del blackhole 203.0.113.53/32 metric 0")

    def upgrade(self) -> None:
        """Upgrade the package, and Postfix and Dovecot with it."""
        packages = "smallmail-server dovecot-core postfix rspamd"
        self._host.machine.run(f"apt-get -y install --reinstall {packages}", timeout=600)


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["trixie", "bookworm"], indirect=True)
def test_thousands_of_letters_through_all_that_can_happen(suite: str, deb: Path, world: World, record: Record,
                                                          installed: Installed) -> None:
    mailboxes = [ALICE, *(f"u{number}@example.org" for number in range(9))]
    with MailHost(suite, deb, world, installed=installed(suite), disk=True) as host:
        for mailbox in mailboxes[1:]:
            host.smallmail(f"user add --password-stdin {mailbox}", PASSWORD + "\n")
        faults, told = Faults(host, random.Random(SEED)), []
        with sending(host, mailboxes, 8) as senders:
            for fault in faults.all * 2:
                senders.wait_taken(100, 300)
                before = senders.answers.copy()
                fault()
                senders.wait_taken(50, 300)
                told.append(f"{fault.__name__}: {dict(senders.answers - before)}")
        found = judged(senders, may_double=8 * 2 * (len(DAEMONS) * 2 + 8))
        assert host.machine.run("systemctl --failed --no-legend --plain").stdout == ""
        assert "Nothing to do." in host.smallmail("plan")
        record(f"{suite}: {len(told)} faults; {found.taken} letters taken, {len(found.lost)} lost,"
               f" {len(found.doubled)} doubled (seed {SEED}); {'; '.join(told)}")
