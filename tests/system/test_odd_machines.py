"""Machines that have less than the one on which they were installed: no IPv6 in the kernel, little memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lab import World, no_ipv6
from tests.lab.groups import ENTER, hierarchies
from tests.support.fixtures import Installed
from tests.support.letters import plain
from tests.support.mail_host import ALICE, MailHost

MIB = 1024 * 1024


class Limit:
    """A control group of version 1 that limits memory, and that the machine sees once it is mounted there."""

    def __init__(self, name: str) -> None:
        self._group = next(path for path in hierarchies("cgroup") if path.name == "memory") / name
        self._group.mkdir()
        self.start = ["/bin/sh", "-c", ENTER, str(self._group)]

    def set(self, memory: int) -> None:
        (self._group / "memory.limit_in_bytes").write_text(f"{memory * MIB}", encoding="ascii")

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
    assert "Nothing to do." in small.smallmail("plan")
    assert "no IPv6 (it had " in small.smallmail("history")


def test_limits_follow_the_memory_of_the_container(small: MailHost, limit: Limit) -> None:
    run = small.machine.run
    run("mkdir /run/memory && mount -t cgroup -o memory cgroup /run/memory")
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
    assert "Nothing to do." in small.smallmail("plan")
