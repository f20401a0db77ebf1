"""A host goes on to Debian's next release by `apt-get full-upgrade`, booted, with mail in the boxes and more coming in;
nobody lends it a hand. What is seen is collected on the way, and judged by one test each."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab import World, roots, upgrades
from tests.support import letters, monitor, user_data
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ALICE, BOB, MailHost

# Where dpkg asks about a file that both Debian and the admin have changed, this is what its default answer comes to.
DEFAULTS = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
EDITED_CONFFILE = "/etc/rspamd/modules.d/phishing.conf"     # another in each release of Debian
DPKG_LOG = "/var/log/dpkg.log"
COMMENT = "# an admin was here\n"

_MAIL = re.compile("postfix|dovecot|rspamd|redis|valkey|smallmail|unbound|certbot")

QUICK = ("bookworm", "trixie")
ROUTES = [QUICK,
          pytest.param(("bullseye", "bookworm", "trixie"), marks=pytest.mark.slow),
          pytest.param(("trixie", "forky"), marks=pytest.mark.slow)]


class Hop(NamedTuple):
    """One upgrade: what apt said and what was seen afterwards."""

    to: str
    code: int
    said: str
    seconds: float
    port_25: monitor.Monitor
    port_993: monitor.Monitor
    dpkg_log: str
    posted: list[str]
    before: user_data.Snapshot
    after: user_data.Snapshot
    learned: tuple[dict[str, int], dict[str, int]]
    subjects: list[str]
    plan: str
    status: str
    failed: list[str]
    lost_settings: list[str]


class Journey(NamedTuple):
    """A host that has arrived, and each hop on its way."""

    host: MailHost
    conffile_edited: bool
    hops: list[Hop]


@pytest.fixture(scope="module", params=ROUTES, ids="-".join)
def journey(request: pytest.FixtureRequest, deb: Path, world: World, installed: Installed) -> Iterator[Journey]:
    start, *route = request.param
    for suite in request.param:
        if reason := roots.available(suite):
            pytest.skip(reason)
    layers = upgrades.upgradable(start, deb, *route)
    upon_them = [layer for layer in installed(start) if layer not in layers]
    with MailHost(start, deb, world, installed=[*upon_them, *layers]) as host:
        user_data.create(host)
        # Without a conffile that both have changed dpkg has nothing to ask, and must do without these options.
        options = [] if request.param == QUICK else DEFAULTS
        if options:
            host.machine.run(["tee", "-a", EDITED_CONFFILE], input=COMMENT)
        yield Journey(host, bool(options), [hop(host, world, suite, options) for suite in route])


def hop(host: MailHost, world: World, suite: str, options: list[str]) -> Hop:
    """Upgrade to that release, and look around."""
    before, learned = user_data.snapshot(host), host.learned()
    upgrades.point(host.machine, suite)
    logged = len(host.machine.read(DPKG_LOG))
    with monitor.Monitor(monitor.accepts_mail(world, host.server)) as port_25, \
            monitor.Monitor(monitor.serves_imap(world, host.server)) as port_993, \
            monitor.Sender(world, "during " + suite) as correspondent:
        started = time.monotonic()
        done = host.machine.run(["apt-get", "-y", *options, "full-upgrade"], check=False, timeout=1800)
        seconds = time.monotonic() - started
    host.wait(lambda: not world.foreign.queue(), "the foreign server's queue to empty")
    host.wait(lambda: "is empty" in host.machine.run("postqueue -p").stdout, "the host's queue to empty", 30)
    return Hop(to=suite, code=done.returncode, said=done.stdout + done.stderr, seconds=seconds, port_25=port_25,
               port_993=port_993, dpkg_log=host.machine.read(DPKG_LOG)[logged:], posted=correspondent.posted,
               before=before, after=user_data.snapshot(host), learned=(learned, host.learned()),
               subjects=host.subjects("INBOX") + host.subjects("Junk"), plan=host.smallmail("plan"),
               status=host.smallmail("status"), failed=failed(host), lost_settings=user_data.lost_settings(host))


def moment(text: str) -> datetime.datetime:
    """A time of dpkg's log."""
    return datetime.datetime.fromisoformat(text)


def in_pieces(log: str, daemon: str, last: str) -> float:
    """Seconds from the moment when dpkg begins to replace a daemon's files until it has configured the last of those
    packages (a regular expression) for good: nobody can serve mail in that time who was not running before."""
    begun = re.findall(r"^(\S+ \S+) upgrade " + daemon, log, re.MULTILINE)
    ended = re.findall(rf"^(\S+ \S+) status installed {last}:", log, re.MULTILINE)
    return (moment(ended[-1]) - moment(begun[0])).total_seconds()


def failed(host: MailHost) -> list[str]:
    """The units of a mail server that systemd calls failed, but for what every Postfix of bookworm leaves behind on
    trixie: the unit that it ran in until then is now for further instances, of which there are none."""
    units = host.machine.run("systemctl list-units --failed --plain --no-legend | cut -d' ' -f1").stdout.split()
    return [unit for unit in units if unit != "postfix@-.service" and _MAIL.match(unit)]


def test_apt_finishes_and_asks_nothing(journey: Journey, record: Record) -> None:
    for step in journey.hops:
        assert step.code == 0, step.said[-3000:]
        assert "smallmail apply" not in step.said, "it wants a hand"
        record(f"to {step.to} in {step.seconds:.0f} s")


def test_all_services_are_up_and_nothing_is_left_to_do(journey: Journey, record: Record) -> None:
    for step in journey.hops:
        assert step.failed == []
        assert "Nothing to do." in step.plan, step.plan
        assert "Problem" not in step.status, step.status
        record(f"{step.to}: no unit failed, no problem, nothing to do")


def test_every_message_is_there_with_its_uid_and_flags(journey: Journey, record: Record) -> None:
    for step in journey.hops:
        assert user_data.missing(step.before, step.after) == []
        record(f"{step.to}: {user_data.count(step.before)} messages before, {user_data.count(step.after)} after,"
               f" {len(step.posted)} of them came meanwhile")


def test_what_came_in_meanwhile_is_delivered_once(journey: Journey, record: Record) -> None:
    for step in journey.hops:
        assert len(step.posted) > 10
        assert [subject for subject in step.posted if step.subjects.count(subject) != 1] == []
        record(f"{step.to}: {len(step.posted)} of {len(step.posted)}")


def test_mail_is_down_no_longer_than_dpkg_has_the_daemon_in_pieces(journey: Journey, record: Record) -> None:
    """Debian stops Dovecot before it unpacks the new one. Postfix goes on, but in some releases its new smtpd does not
    understand the old proxymap: mail is deferred until the restart. Or it starts while postfix-sqlite is in pieces, and
    mail is deferred until smallmail-server, too, is configured again: its trigger lets Postfix know the type."""
    late = []
    for step in journey.hops:
        for name, port, packages in (("25", step.port_25, ("postfix", "(?:postfix|smallmail-server)")),
                                     ("993", step.port_993, ("dovecot", "dovecot-core"))):
            seconds = in_pieces(step.dpkg_log, *packages)
            record(f"{step.to}: port {name} away for {port.downtime:.0f} s, {port.longest:.0f} at a time,"
                   f" of {seconds:.0f} in which {packages[0]} was in pieces")
            if port.downtime > seconds + 15:
                late.append((step.to, name, sorted(set(port.errors))))
    assert late == []


def test_once_smallmail_was_told_of_new_versions_every_start_succeeds(journey: Journey, record: Record) -> None:
    """Dovecot's first start, when only its core is configured, may meet the old syntax, also in files of Debian's own
    (90-sieve-extprograms.conf). From dpkg's trigger on nothing may, until the next upgrade."""
    ends = [step.dpkg_log[:19] for step in journey.hops[1:]] + ["now"]
    for step, end in zip(journey.hops, ends, strict=True):
        told = re.findall(r"^(\S+ \S+) trigproc smallmail-server", step.dpkg_log, re.MULTILINE)[0]
        bad = "Failed to start|Error in configuration|set aside"
        for since, until in ((step.dpkg_log[:19], told), (told, end)):
            noted = journey.host.machine.run(["journalctl", "-q", "--no-pager", "--since", since, "--until", until,
                                              "-u", "dovecot", "-u", "rspamd", "-u", "postfix*", "-u", "smallmail*",
                                              "--grep", bad, "--case-sensitive=no"], check=False).stdout
            if since == told:
                assert noted == ""
            else:
                failures = noted.lower().count("failed to start dovecot")
                record(f"{step.to}: {failures} starts failed before smallmail was told")


def test_what_rspamd_has_learned_is_not_lost(journey: Journey, record: Record) -> None:
    for step in journey.hops:
        before, after = step.learned
        assert before["spam"] > 0 and after == before
        record(f"{step.to}: {after['spam']} spam, {after['ham']} ham")


def test_the_admins_own_edits_are_in_force(journey: Journey, record: Record) -> None:
    for step in journey.hops:
        assert step.lost_settings == []
        record(f"{step.to}: {len(user_data.FILES) + len(user_data.PARAMETERS)} files and parameters")
    if journey.conffile_edited:
        assert COMMENT in journey.host.machine.read(EDITED_CONFFILE)
        assert COMMENT not in journey.host.machine.read(EDITED_CONFFILE + ".dpkg-dist")


def test_mail_is_sorted_learned_and_sent_as_before(journey: Journey, world: World, record: Record) -> None:
    started = time.monotonic()
    look_alive(journey.host, world, "after the upgrade")
    record(f"filed, learned 3, by the alias, signed and out in {time.monotonic() - started:.0f} s")


def look_alive(host: MailHost, world: World, when: str) -> None:
    """Sieve, Junk, the alias, the changed password, and a signed letter out."""
    user_data.deliver_by_sieve(host, when)
    user_data.train_rspamd(host, when)
    letter = letters.plain(BOB, user_data.ALIAS, "to the alias " + when)
    world.foreign.post(BOB, user_data.ALIAS, letter)
    user, password = user_data.CAROL, user_data.CAROLS_PASSWORD
    host.wait(lambda: "to the alias " + when in subjects(host, user, password), "the alias's letter")
    host.submit(letters.plain(ALICE, BOB, "out " + when))
    assert world.verify_dkim(world.foreign.expect(BOB, "out " + when))


def subjects(host: MailHost, user: str, password: str) -> list[str]:
    connection = host.imap(user, password)
    connection.select("INBOX", readonly=True)
    found = connection.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    connection.logout()
    return [part[1].decode().partition(":")[2].strip() for part in found if isinstance(part, tuple)]


def test_a_reboot_finds_all_of_it_again(journey: Journey, world: World, record: Record) -> None:
    host = journey.host
    before, learned = user_data.snapshot(host), host.learned()
    record(f"serving again after {host.reboot():.0f} s")
    host.machine.wait_port(11334)
    assert user_data.missing(before, user_data.snapshot(host)) == []
    assert host.learned() == learned
    assert failed(host) == [] and user_data.lost_settings(host) == []
    look_alive(host, world, "after the reboot")
    assert "Nothing to do." in host.smallmail("plan")
    assert "Problem" not in host.smallmail("status")
    assert re.search(r"VERSION_CODENAME=" + journey.hops[-1].to, host.machine.read("/etc/os-release"))

