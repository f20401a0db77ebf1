"""Mailboxes of 0.3.0 have their folders, messages, flags, UIDs and subscriptions after the upgrade, and their filters
go on filing; also after a kill in the middle of the conversion, and when a mailbox comes back from an old backup."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab import World, packages, released, roots
from tests.lab.chroot import ENVIRONMENT
from tests.lab.installed import installed
from tests.support import folders, letters
from tests.support.fixtures import Record
from tests.support.imap import done
from tests.support.mail_host import ALICE, ANSWERS, BOB, MailHost

SOURCE = Path(__file__).parents[2]
OLD = [release for release in released.releases(SOURCE) if release.version == "0.3.0"]
HOME = "/srv/mail/example.org/alice"
BACKUP = "/root/backup.tar"
MANY = 300
# As 0.3.0's Dovecot accepts them, encoded, with dots between the levels.
NAMES = ["Work", "Work.2024.Q1", "Dr. Jones", "100%", "%2e", "%maildir", "a.~x", "Entw&APw-rfe", "&ZeVnLIqe-.x",
         "INBOX.child", "Lists.Debian", "cur", "new.tmp", "subscriptions", "mailboxes", "trail ", "x|y^z&-", "T" * 200,
         ".".join(f"L{number}" for number in range(20))]  # fmt: skip
SIEVE = """require ["fileinto", "mailbox", "variables"];
set "box" "Lists.Debian";
if header :is "Subject" "direct" { fileinto :create "Work.2024.Q1"; stop; }
if header :is "Subject" "variable" { fileinto "${box}"; stop; }
"""


class Old(NamedTuple):
    """A host, and what its mailbox had before the upgrade."""

    host: MailHost
    before: folders.Seen


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def old(request: pytest.FixtureRequest, deb: Path, world: World) -> Iterator[Old]:
    """A host of 0.3.0 with alice's mailbox full of folders, and a backup of it."""
    if not OLD:
        pytest.skip("the git history here does not reach back to 0.3.0")
    if reason := roots.available(request.param):
        pytest.skip(reason)
    layers = installed(request.param, released.rebuilt(SOURCE, OLD[0]), ANSWERS, needs=deb)
    with MailHost(request.param, deb, world, installed=layers) as host:
        fill(host)
        before = now(host)
        host.machine.run(f"systemctl stop dovecot; tar -C /srv -cf {BACKUP} mail; systemctl start dovecot")
        host.machine.wait_port(993)
        yield Old(host, before)


def fill(host: MailHost) -> None:
    connection = host.imap()
    for name in NAMES:
        argument = f'"{name}"'
        answer = connection.create(argument)
        assert answer[0] == "OK" or b"ALREADYEXISTS" in answer[1][0], (name, answer)
        for flags in (r"(\Seen Work)", r"(\Flagged)", "(Second)"):
            done(connection.append(argument, flags, "", letters.plain(BOB, ALICE, f"{name} {flags}")))
        connection.select(argument)
        done(connection.store("2", "+FLAGS", r"(\Deleted)"))
        done(connection.expunge())
    for name in NAMES[::2]:
        done(connection.subscribe(f'"{name}"'))
    for number in range(MANY):
        done(connection.create(f"Many.{number}"))
    for flags in ("", r"(\Answered)", "(Work Second)"):
        done(connection.append("INBOX", flags, "", letters.plain(BOB, ALICE, f"inbox {flags}")))
    connection.logout()
    host.machine.run(f"doveadm sieve put -a -u {ALICE} own", input=SIEVE)


def files(host: MailHost) -> None:
    """Two letters go where alice's script files them."""
    for subject, name in (("direct", '"Work/2024/Q1"'), ("variable", '"Lists/Debian"')):
        host.world.send(BOB, ALICE, letters.plain(BOB, ALICE, subject), to=host.machine)
        host.expect(name, subject)


def now(host: MailHost) -> folders.Seen:
    connection = host.imap()
    seen = folders.seen(connection)
    connection.logout()
    return seen


def test_an_upgrade_keeps_all_of_a_mailbox(old: Old, deb: Path, record: Record) -> None:
    host, before = old
    packages.offer(host.machine, deb)
    seconds, _ = host.timed(lambda: host.machine.run("apt-get -y --with-new-pkgs upgrade"))
    host.machine.wait_port(993)
    assert now(host) == before
    assert host.machine.run(["ls", "-A", HOME + "/mail"]).stdout.split().count("mailboxes") == 1
    assert host.machine.run(f"find {HOME}/mail -maxdepth 1 -name '.*'").stdout == ""
    assert "could not be converted" not in host.machine.run("journalctl -q --no-pager -u dovecot").stdout
    files(host)
    lines = host.machine.run("journalctl -q --no-pager -o short-precise -u dovecot -t systemd | tail -4").stdout
    record(f"{len(before.folders)} folders the same after an upgrade of {seconds:.0f} s\n{lines}")


def test_an_old_backup_is_converted_also_when_that_is_killed(old: Old, record: Record) -> None:
    """The conversion is killed again and again, each time a little later, until it has had the time to end."""
    host = old.host
    host.machine.run(f"systemctl stop dovecot; rm -rf {HOME}; tar -C /srv -xf {BACKUP}")
    killed = 0
    for tries in range(200):
        host.machine.run("systemctl reset-failed dovecot")      # systemd limits how often a unit is started
        starting = subprocess.Popen(host.machine.enter(["systemctl", "start", "dovecot"], ENVIRONMENT),
                                    stderr=subprocess.DEVNULL)
        while starting.poll() is None and (worker := converting(host)) is None:
            pass
        time.sleep(0.005 * tries)
        if worker and worker == converting(host):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        if starting.wait() == 0:
            break
        killed += 1
        assert host.machine.run("systemctl is-active dovecot", check=False).stdout == "failed\n"
    assert killed, "it was faster"
    host.machine.wait_port(993)
    assert now(host) == old.before
    files(host)
    record(f"killed {killed} times on the way")


def converting(host: MailHost) -> int | None:
    """Return the process that renames, which is vmail's; its parent is root's."""
    for pid in host.machine.processes():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            process = Path(f"/proc/{pid}")
            if b"run\0folders" in (process / "cmdline").read_bytes() and process.stat().st_uid != 0:
                return pid
    return None


def test_an_old_backup_beside_the_mailbox_is_told_apart(old: Old) -> None:
    host, before = old.host, now(old.host)
    host.machine.run(f"systemctl stop dovecot; tar -C /srv -xf {BACKUP} mail/example.org/alice/mail/cur"
                     " mail/example.org/alice/mail/new mail/example.org/alice/mail/tmp; systemctl start dovecot")
    host.machine.wait_port(993)
    after = now(host)
    assert {name: after.folders[name] for name in before.folders} == before.folders
    assert len(after.folders["Restored/INBOX"].messages) == 3
