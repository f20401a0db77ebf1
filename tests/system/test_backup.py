"""Backups: made while mail comes in, brought back as letters and as a whole server, also onto the next Debian; and a
backup that somebody made with tar."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab import World, packages, roots
from tests.lab.clients import converse
from tests.lab.machine import Machine
from tests.support import imap, letters
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ADDRESS, ALICE, ANSWERS, BOB, NAME, PASSWORD, MailHost

CAROL = "carol@example.org"
HOUSEHOLD = [ALICE, CAROL, *(f"{name}@example.org" for name in ("dave", "erin", "frank"))]
FOUR = "etc/smallmail var/lib/smallmail srv/mail $(cd / && ls -d etc/letsencrypt 2>/dev/null)"
# All letters, whatever their flags are.
LETTERS = ("cd /srv/mail && find . -type f \\( -path '*/cur/*' -o -path '*/new/*' \\) -exec sha256sum {} +"
           " | sed 's/:2,[A-Za-z]*$//' | sort")
IDENTITY = ("sha256sum /var/lib/smallmail/dkim/*.key /var/lib/smallmail/tls/current/*; smallmail user list;"
            " smallmail alias list; smallmail show")
STRANGERS = "for number in $(seq 100 115); do getent passwd $number || useradd -r -u $number stranger$number; done"


def identity(host: MailHost) -> str:
    return host.machine.run(IDENTITY).stdout


def uids(host: MailHost, user: str = ALICE) -> tuple[object, ...]:
    connection = host.imap(user)
    connection.select("INBOX", readonly=True)
    found = connection.uid("SEARCH", "ALL")[1], connection.response("UIDVALIDITY")
    connection.logout()
    return found


def packed(machine: Machine, paths: str) -> bytes:
    return base64.b64decode(machine.run(f"tar -C / -cpf - {paths} | base64").stdout)


def unpack(machine: Machine, archive: bytes) -> None:
    machine.write("/root/archive.tar", archive)
    machine.run("tar -C / -xpf /root/archive.tar")


def assert_is_the_same_server(host: MailHost, before: str, letters_before: str,
                              uids_before: tuple[object, ...]) -> None:
    assert identity(host) == before
    assert host.machine.run(LETTERS).stdout == letters_before
    assert uids(host) == uids_before
    assert host.smallmail("plan") == "Nothing to do.\n", "nothing counts as changed by hand"
    assert host.machine.run("find /srv/mail ! -user vmail").stdout == ""
    host.imap(CAROL).logout()
    host.submit(letters.plain(ALICE, CAROL, "afterwards"))
    assert host.expect("INBOX", "afterwards", CAROL)["DKIM-Signature"]


@contextmanager
def mail_coming_in(host: MailHost) -> Iterator[None]:
    """A letter from outside every third of a second."""
    stop = threading.Event()

    def send() -> None:
        number = 0
        while not stop.is_set():
            connection = host.world.foreign.smtp(host.server)
            converse(connection, BOB, ALICE, letters.plain(BOB, ALICE, f"incoming {number}"))
            connection.quit()
            number += 1
            time.sleep(0.3)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_letters_come_back_from_a_backup(host: MailHost, record: Record) -> None:
    host.submit(letters.plain(ALICE, ALICE, "kept by the backup"))
    host.expect("INBOX", "kept by the backup")
    with mail_coming_in(host):
        host.machine.run("systemctl start smallmail-backup.service")    # as by night
        seconds, said = host.timed(lambda: host.smallmail("backup"))
    record(f"{seconds:.1f} s, while mail comes in: {said.splitlines()[0]}")
    assert "to /var/backups/smallmail in" in said
    assert "Problem" not in host.smallmail("backup status")
    assert host.machine.run("stat -c '%a %U' /var/backups/smallmail /etc/smallmail/backup-password").stdout == \
        "700 root\n600 root\n"
    connection = host.imap()
    connection.select("INBOX")
    number = connection.uid("SEARCH", "SUBJECT", '"kept by the backup"')[1][0]
    connection.uid("STORE", number, "+FLAGS", "\\Deleted")
    connection.expunge()
    said = host.smallmail(f"restore mailbox {ALICE} --folder INBOX --subject 'KEPT by'")
    assert said.startswith(f"1 letter of {ALICE} (backup of ") and said.endswith("in the folder Restored.\n")
    assert host.subjects('"Restored/INBOX"') == ["kept by the backup"]
    assert host.machine.run("find /srv/mail -path '*Restored*' ! -user vmail").stdout == ""
    connection.delete('"Restored/INBOX"')
    imap.done(connection.unsubscribe("Restored"))
    connection.logout()
    host.machine.run("rm -rf /var/backups/smallmail /var/lib/smallmail/backup.json")


@pytest.mark.slow
def test_a_household_comes_back_on_the_next_debian(suite: str, deb: Path, world: World, installed: Installed,
                                                   record: Record) -> None:
    later = {"bookworm": "trixie", "trixie": "forky"}.get(suite)
    if later is None or roots.available(later):
        pytest.skip("there is no later Debian here")
    with MailHost(suite, deb, world, installed=installed(suite)) as host:
        for address in HOUSEHOLD[1:]:
            host.smallmail(f"user add {address} --password-stdin", PASSWORD + "\n")
        for address in HOUSEHOLD:
            host.burst(address, 400)
        with mail_coming_in(host):
            host.machine.run("systemctl start smallmail-backup.service")    # as by night
        host.wait(lambda: host.machine.run("postqueue -j").stdout == "", "the queue to be empty")
        record(host.smallmail("backup"))
        before = identity(host), host.machine.run(LETTERS).stdout, uids(host)
        others = [uids(host, address) for address in HOUSEHOLD[1:]]
        archive = packed(host.machine, "var/backups/smallmail")
        password = host.machine.read("/etc/smallmail/backup-password")
    assert len(before[1].splitlines()) > 400 * len(HOUSEHOLD)
    with world.machine(roots.warm(later, deb), NAME, ADDRESS) as machine:
        machine.run(STRANGERS)
        packages.offer(machine, deb)
        packages.install(machine, "smallmail-server")
        unpack(machine, archive)
        started = time.monotonic()
        machine.run("smallmail restore server --password-stdin", input=password)
        record(f"{len(before[1].splitlines())} letters of {len(HOUSEHOLD)} mailboxes restored in"
               f" {time.monotonic() - started:.0f} s, {suite} to {later}")
        again = MailHost.around(machine, world)
        assert [uids(again, address) for address in HOUSEHOLD[1:]] == others
        assert_is_the_same_server(again, *before)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["extracted first", "installed first"])
def test_four_folders_of_tar_are_the_same_server(suite: str, deb: Path, world: World, installed: Installed,
                                                 order: str) -> None:
    with MailHost(suite, deb, world, installed=installed(suite)) as host:
        host.smallmail(f"user add {CAROL} --password-stdin", PASSWORD + "\n")
        host.submit(letters.plain(ALICE, ALICE, "before"))
        host.expect("INBOX", "before")
        host.smallmail("set quota=2G")
        before = identity(host), host.machine.run(LETTERS).stdout, uids(host)
        archive = packed(host.machine, FOUR)
    with world.machine(roots.warm(suite, deb), NAME, ADDRESS) as machine:
        machine.run(STRANGERS)
        packages.offer(machine, deb)
        if order == "installed first":
            packages.preseed(machine, deb, {**ANSWERS, "address": "eve@example.org"})
            packages.install(machine, "smallmail-server")
            unpack(machine, archive)
            machine.run("smallmail apply")
        else:
            unpack(machine, archive)
            packages.install(machine, "smallmail-server")
        again = MailHost.around(machine, world)
        assert_is_the_same_server(again, *before)
        machine.reboot()
        assert again.subjects("INBOX") == ["before"]
