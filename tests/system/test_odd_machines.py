"""Machines that have less than the one on which they were installed: no IPv6 in the kernel, little memory."""

from __future__ import annotations

import concurrent.futures
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.lab import World, no_ipv6, roots, upgrades
from tests.lab.groups import ENTER, hierarchies
from tests.support.fixtures import Installed, Record
from tests.support.letters import plain
from tests.support.mail_host import ALICE, MailHost

MIB = 1024 * 1024
# As a child of the machine's first process: the lab's own have IPv6.
PLAN = "systemd-run -q --wait --pipe smallmail plan"
SEE_LIMIT = "mkdir /run/memory && mount -t cgroup -o memory cgroup /run/memory"


class Limit:
    """A control group of version 1 that limits memory, and that the machine sees once it is mounted there."""

    def __init__(self, name: str) -> None:
        self._group = next(path for path in hierarchies("cgroup") if path.name == "memory") / name
        self._group.mkdir()
        self.start = ["/bin/sh", "-c", ENTER, str(self._group)]

    def set(self, memory: int) -> None:
        (self._group / "memory.limit_in_bytes").write_text(f"{memory * MIB}", encoding="ascii")

    def kills(self) -> int:
        """Return how many processes the kernel has ended for want of memory."""
        words = (self._group / "memory.oom_control").read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])

    def most(self) -> int:
        return int((self._group / "memory.max_usage_in_bytes").read_text(encoding="ascii"))

    def close(self) -> None:
        with suppress(OSError):     # its last processes are on their way out
            self._group.rmdir()


@pytest.fixture(scope="module")
def limit() -> Iterator[Limit]:
    if not any(path.name == "memory" for path in hierarchies("cgroup")):
        pytest.skip("this host mounts no control groups of version 1 that limit memory")
    made = Limit(f"smallmail-lab-{__name__}")
    made.set(1024)
    yield made
    made.close()


@pytest.fixture(scope="module")
def small(suite: str, deb: Path, world: World, installed: Installed, limit: Limit) -> Iterator[MailHost]:
    start = [*limit.start, sys.executable, str(Path(no_ipv6.__file__))]
    with MailHost(suite, deb, world, installed=installed(suite), start=start) as made:
        yield made


def test_without_ipv6_all_ports_are_served(small: MailHost) -> None:
    run = small.machine.run
    units = "dovecot postfix rspamd smallmail-sieve.socket"
    assert run(f"systemctl is-failed {units}", check=False).stdout.split() == ["active"] * 4
    assert "systemd" in run("ss -Hltnp 'sport = :4190'").stdout, "no user can take it while Dovecot is down"
    small.world.send("bob@example.net", ALICE, plain("bob@example.net", ALICE, "ipv4"), to=small.server)
    small.expect("INBOX", "ipv4")
    assert "Nothing to do." in run(PLAN).stdout
    assert "no IPv6 (it had " in small.smallmail("history")


def test_limits_follow_the_memory_of_the_container(small: MailHost, limit: Limit) -> None:
    run = small.machine.run
    run(SEE_LIMIT)
    workers = "doveconf -h auth_worker_max_count || doveconf -h service/auth-worker/process_limit"
    before = run(workers).stdout
    run("systemctl start smallmail-certificate")
    assert "this host has 1024 MiB of memory" in small.smallmail("history")
    assert run("postconf -h smtpd_client_connection_count_limit").stdout == "5\n"
    limit.set(512)
    run("systemctl restart postfix dovecot")    # as a container that starts with its new limit
    assert "this host has 512 MiB of memory" in small.smallmail("history")
    assert run("postconf -h smtpd_client_connection_count_limit").stdout == "2\n"
    assert run(workers).stdout <= before
    assert "Nothing to do." in run(PLAN).stdout


@pytest.mark.slow
def test_512_mib_are_enough_for_a_household(small: MailHost, limit: Limit, record: Record) -> None:
    limit.set(512)
    small.machine.run(f"mountpoint -q /run/memory || {{ {SEE_LIMIT}; }}; systemctl restart postfix dovecot rspamd")
    for port in (25, 465, 993, 11334):
        small.machine.wait_port(port)
    letter = plain("bob@example.net", ALICE, "large", "word and word\r\n" * 60_000)
    small.imap().logout()   # from now on the network is known, and nobody there waits for being judged
    # One address may have two connections to a host so small.
    with concurrent.futures.ThreadPoolExecutor(40) as phones, concurrent.futures.ThreadPoolExecutor(2) as senders:
        sent = [senders.submit(small.world.send, "bob@example.net", ALICE, letter, to=small.server) for _ in range(20)]
        logged_in = list(phones.map(lambda _: small.imap(), range(40)))
    codes = [reply.result().code for reply in sent]
    assert set(codes) <= {250, 451}, codes
    taken = codes.count(250)
    small.wait(lambda: small.count("INBOX", ALICE) >= taken, "the letters", 240)
    for connection in logged_in:
        connection.logout()
    kills = limit.kills()
    record(f"512 MiB: 40 logins, {taken} of 20 letters taken at once, {kills} processes killed, at most"
           f" {limit.most() // MIB} MiB")
    assert kills == 0


@pytest.mark.slow
def test_a_release_upgrade_fits_into_512_mib(suite: str, deb: Path, world: World, installed: Installed,
                                             record: Record) -> None:
    later = {"bookworm": "trixie", "trixie": "forky"}.get(suite)
    if later is None or roots.available(later):
        pytest.skip("there is no later Debian here")
    layers = upgrades.upgradable(suite, deb, later)
    upon_them = [layer for layer in installed(suite) if layer not in layers]
    with closing(Limit(f"smallmail-lab-{__name__}-upgrade")) as limit:
        limit.set(512)
        with MailHost(suite, deb, world, installed=[*upon_them, *layers], start=limit.start) as host:
            host.machine.run(f"{SEE_LIMIT}; systemctl restart postfix dovecot rspamd")
            host.burst(ALICE, 50)
            upgrades.point(host.machine, later)
            seconds, said = host.timed(lambda: host.machine.run("apt-get -y full-upgrade", timeout=1800).stdout)
            assert "Setting up smallmail-server" in said
            host.submit(plain(ALICE, ALICE, "after the upgrade"))
            host.expect("INBOX", "after the upgrade")
            assert host.count("INBOX", ALICE) == 51
            record(f"512 MiB, {suite} to {later}: {seconds:.0f} s, {limit.kills()} processes killed")
            assert limit.kills() == 0
