"""A container without CAP_SYS_ADMIN (LXC without privileges, systemd in Podman): all starts, or mail does without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import World
from tests.support.fixtures import Installed
from tests.support.letters import plain
from tests.support.mail_host import ALICE, BOB, MailHost

# Starts systemd-nspawn, whose words follow.
START = ["/bin/sh", "-c", 'nspawn=$1; shift; exec "$nspawn" --drop-capability=CAP_SYS_ADMIN "$@"', "sh"]
UNITS = "smallmail-redis smallmail-limits smallmail-bans rspamd dovecot smallmail-sieve.socket"
JOBS = "smallmail-certificate smallmail-dkim smallmail-check smallmail-learn smallmail-alarms"


@pytest.fixture(scope="module")
def contained(suite: str, deb: Path, world: World, installed: Installed) -> Iterator[MailHost]:
    if suite == "bookworm":
        pytest.skip("systemd 252 does not boot here without CAP_SYS_ADMIN")
    with MailHost(suite, deb, world, installed=installed(suite), start=START) as made:
        yield made


def test_everything_starts(contained: MailHost) -> None:
    run = contained.machine.run
    contained.wait(lambda: set(run(f"systemctl is-active {UNITS}", check=False).stdout.split()) == {"active"}, UNITS)
    run(f"systemctl start {JOBS}")
    contained.world.send(BOB, ALICE, plain(BOB, ALICE, "contained"), to=contained.server)
    contained.expect("INBOX", "contained")
    contained.submit(plain(ALICE, ALICE, "sent"))
    contained.expect("INBOX", "sent")


def test_mail_does_without_the_store(contained: MailHost) -> None:
    run = contained.machine.run
    breaks = "/run/systemd/system/smallmail-redis.service.d/99-no.conf"
    contained.machine.write(breaks, "[Service]\nExecStartPre=/bin/false\n")
    run("systemctl daemon-reload; systemctl stop smallmail-redis; rm -f /run/smallmail-redis/redis.sock")
    assert ("smallmail-redis did not start, and mail flows without it: 'journalctl -u smallmail-redis' shows why"
            in contained.smallmail("set greylisting=no"))
    contained.world.send(BOB, ALICE, plain(BOB, ALICE, "without"), to=contained.server)
    contained.expect("INBOX", "without")
    assert "smallmail-redis" in run("smallmail check host", check=False).stdout
