"""A host that has a mail system of its own: untouched by default, taken over on a yes, and given back as it was."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Machine, World, packages, roots
from tests.lab.chroot import Chroot
from tests.lab.clients import Server
from tests.support import debconf_dialogue, letters
from tests.support.fixtures import Record
from tests.support.mail_host import ADDRESS, ALICE, ANSWERS, BOB, NAME, PASSWORD, MailHost
from tests.support.virtual_mailbox_server import (
    OWN_PASSWORD,
    assert_receives,
    build,
    fingerprint,
    may_login,
    processes,
    subjects,
    wait_until_serving,
)

pytestmark = pytest.mark.slow

SPY = "spy@example.net"     # who gets a copy of all mail, if the earlier configuration acts beside ours


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def host(request: pytest.FixtureRequest, deb: Path, world: World) -> Iterator[Taken]:
    """A machine with an admin's own mail system, and smallmail-server installed noninteractively upon it."""
    suite = request.param
    if os.environ.get("SUITE", suite) != suite:
        pytest.skip("SUITE names another one")
    with world.machine(roots.warm(suite, deb), NAME, ADDRESS) as machine:
        packages.offer(machine, deb)
        build(machine, suite)
        debconf_dialogue.prepare(machine, suite)
        assert_receives(machine, world, "before")
        made = Taken(machine, world)
        packages.preseed(machine, deb, ANSWERS)
        made.said = packages.install(machine, "smallmail-server")
        yield made


class Taken(MailHost):
    """A MailHost upon a machine that is already there, with its configuration and processes before."""

    def __init__(self, machine: Machine, world: World) -> None:
        self.machine, self.world, self.name = machine, world, NAME
        self.server = Server(NAME, ADDRESS)
        self.etc, self.since = fingerprint(machine), processes(machine)


def differences(host: Taken) -> set[str]:
    """What of the earlier configuration and mail is not as it was."""
    return set(host.etc.splitlines()) ^ set(fingerprint(host.machine).splitlines())


def test_by_default_nothing_is_touched_and_mail_is_as_it_was(host: Taken, world: World, record: Record) -> None:
    assert "This host has a mail configuration of its own: nothing was changed." in host.said
    assert "smallmail set take-over=yes" in host.said
    assert (differences(host), processes(host.machine)) == (set(), host.since)
    assert host.machine.run("dpkg-query -W -f '${Status}' smallmail-server").stdout == "install ok installed"
    assert host.machine.run("systemctl is-active smallmail-redis", check=False).stdout.strip() == "inactive"
    assert not may_login(world, PASSWORD)
    assert_receives(host.machine, world, "still theirs")
    files = re.findall(r"(?m)^[0-9a-f]{64} ", host.etc)
    record(f"{len(files)} files and 3 services untouched")


def test_the_plan_shows_all_that_would_change(host: Taken, record: Record) -> None:
    host.etc = fingerprint(host.machine)
    plan = host.machine.run("smallmail plan", check=False)
    assert plan.returncode == 1 and plan.stderr == ""
    for change in (
            "main.cf: transport_maps: change\n  -transport_maps = regexp:/etc/postfix/transport\n"
            "  +transport_maps = regexp:/etc/postfix/smallmail/transports $smallmail_transport_maps\n",
            "main.cf: header_checks: change\n  -header_checks = regexp:/etc/postfix/headers\n"
            "  +header_checks = \n",
            "master.cf: submissions/inet: remove", "master.cf: 127.0.0.1:587/inet: remove",
            "/etc/dovecot/local.conf: change", "/etc/dovecot/conf.d/10-auth.conf: change",
            "/etc/rspamd/override.d/worker-proxy.inc: change", "/etc/dovecot/conf.d/95-smallmail-tls.conf: create"):
        assert change in plan.stdout, change
    for kept in ("smtp_helo_name", "10025", "multimap", "vmailbox"):
        assert f"{kept}:" not in plan.stdout
    assert (differences(host), processes(host.machine)) == (set(), host.since)
    changes = re.findall(r"(?m)^\S", plan.stdout)
    record(f"{len(changes)} changes")


def test_the_question_tells_what_is_there(host: Taken, record: Record) -> None:
    command = "dpkg-reconfigure smallmail-server"
    person, said = debconf_dialogue.passthrough(host.machine, command, {"take-over": ["false"]})
    text = person.texts["take-over"].replace("\\n", " ")
    for found in (r"/etc/postfix/main\.cf \(1\d parameters: ",
                  r"/etc/postfix/master\.cf \(3 services: submissions, 127\.0\.0\.1:587, ",
                  "; /etc/dovecot/local.conf; /etc/dovecot/conf.d/10-auth.conf;",
                  "/etc/rspamd/override.d/worker-proxy.inc"):
        assert re.search(found, text), text
    assert "; port " not in text, "Postfix and Dovecot themselves hold the ports here"
    assert "nothing was changed" in said
    assert (differences(host), processes(host.machine)) == (set(), host.since)
    record(f"{text.count(';') + 1} things named")


def test_a_port_that_another_program_holds_is_refused_up_front(host: Taken, record: Record) -> None:
    host.machine.run(f"systemd-run -q --unit=squatter python3 -m http.server -b {ADDRESS} 587")
    host.machine.wait_port(587)
    refused = host.machine.run("smallmail set take-over=yes", check=False)
    assert refused.returncode == 1
    assert re.fullmatch(r"smallmail: port 587 is held by python3 \(pid \d+\): stop it first, then 'smallmail apply'\n",
                        refused.stderr)
    assert (differences(host), processes(host.machine)) == (set(), host.since)
    assert host.machine.run("getent passwd _rspamd; id -nG _rspamd").stdout.split()[-1] == "_rspamd"
    host.machine.run("systemctl stop squatter")
    record(refused.stderr.strip())


def test_taken_over_mail_flows_and_nothing_of_the_earlier_acts_beside_it(host: Taken, world: World,
                                                                         record: Record) -> None:
    seconds, said = host.timed(lambda: host.smallmail("set take-over=yes"))
    assert "Reloaded: smallmail-redis, rspamd, dovecot, postfix" in said
    assert "Nothing to do." in host.smallmail("plan")
    host.publish()
    # The earlier header_checks would discard it, its transport_maps what goes to bob, its bcc send copies.
    world.foreign.post(BOB, ALICE, letters.plain(BOB, ALICE, "after"))
    host.expect("INBOX", "after")
    for port in (465, 587):
        host.submit(letters.plain(ALICE, BOB, f"by {port}"), port=port)
        world.foreign.expect(BOB, f"by {port}")
    assert world.mail(SPY) == []
    assert not may_login(world, OWN_PASSWORD)
    reply = world.send(BOB, "someone@example.com", letters.plain(BOB, "someone@example.com", "x"), to=host.machine)
    assert (reply.command, reply.code) in (("RCPT", 454), ("RCPT", 554))
    certificate = host.machine.read("/var/lib/smallmail/tls/current/fullchain.pem")
    world.client.submission(host.server, ALICE, PASSWORD, trust=certificate).quit()
    # What the admin adds from now on is his own.
    host.machine.run("postconf -e header_checks=regexp:/etc/postfix/headers")
    host.smallmail("set quota=1G")
    assert host.machine.run("postconf -h header_checks").stdout.strip() == "regexp:/etc/postfix/headers"
    assert "main.cf: header_checks: changed by hand: smallmail keeps your version" in host.smallmail("plan")
    host.machine.run("postconf -e header_checks=")
    record(f"take-over in {seconds:.0f} s; letters in and out; no relay")


def test_removal_brings_back_what_was_there(host: Taken, world: World, record: Record) -> None:
    mail_before = set(host.etc.splitlines())
    seconds, _ = host.timed(lambda: host.machine.run(["apt-get", "-y", "remove", "smallmail-server"]))
    wait_until_serving(host.machine)
    changed = {line for line in differences(host) if "/srv/mail/example.org/alice/mail" not in line}
    assert changed == set()
    assert not {line for line in mail_before if "/etc/" in line} - set(fingerprint(host.machine).splitlines())
    assert may_login(world, OWN_PASSWORD) and not may_login(world, PASSWORD)
    assert_receives(host.machine, world, "theirs again")
    assert {"before", "still theirs", "theirs again"} <= set(subjects(world))
    record(f"every file of Postfix, Dovecot and Rspamd as it was, {seconds:.0f} s; mail flows")


@pytest.mark.parametrize("suite", ["trixie"])
def test_an_exim_for_the_internet_is_told_of_and_can_come_back(suite: str, deb: Path, record: Record) -> None:
    """Without services, with the archive's network: apt replaces Exim whatever we do."""
    with Chroot(roots.warm(suite, deb), f"{suite}-exim", network=True) as chroot:
        chroot.run("printf '%s\\n' 'exim4-config exim4/dc_eximconfig_configtype select internet site; mail is sent and"
                   " received directly using SMTP' | debconf-set-selections; apt-get -y install exim4-daemon-light")
        kept = "/etc/exim4/update-exim4.conf.conf"
        before = chroot.read(kept)
        assert "dc_eximconfig_configtype='internet'" in before
        chroot.write("/srv/" + deb.name, deb.read_bytes())
        packages.preseed(chroot, deb, ANSWERS)
        done = chroot.run(["apt-get", "-y", "install", "/srv/" + deb.name], timeout=900)
        assert "This host has a mail configuration of its own: nothing was changed." in done.stdout + done.stderr
        assert chroot.read(kept) == before
        assert chroot.run("ls /etc/postfix/smallmail /etc/dovecot/conf.d/05-smallmail.conf", check=False).stdout == ""
        # As the question says.
        chroot.run("apt-get -y remove postfix && apt-get -y install exim4")
        assert chroot.read(kept) == before
        assert chroot.run("exim4 -bP local_interfaces; dpkg-query -W -f '${Status}' exim4-daemon-light").stdout
        chroot.run(["apt-get", "-y", "install", "/srv/" + deb.name], timeout=900)
        chroot.run("smallmail set take-over=yes")
        assert "Nothing to do." in chroot.run("smallmail plan").stdout
        record(f"{suite}: told of, kept in /etc/exim4, back by two commands, then taken over")
