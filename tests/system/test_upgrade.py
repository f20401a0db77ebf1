"""`apt-get upgrade` from every released version, in chroots: what was set, answered, entered and edited stays."""

from __future__ import annotations

import difflib
import json
import pathlib
import re
from pathlib import Path

import pytest

from tests.lab import packages, released, upgrades
from tests.lab.chroot import Chroot
from tests.lab.installed import installed
from tests.lab.released import Release
from tests.support.fixtures import Record
from tests.support.mail_host import ALICE, ANSWERS

SOURCE = pathlib.Path(__file__).parents[2]
RELEASES = released.releases(SOURCE)
DROP_IN = "/etc/dovecot/conf.d/95-smallmail.conf"
PARTS = "ls /etc/dovecot/conf.d | grep ^95-smallmail"
COMMENT = "# an admin was here"
FOLDER = "/srv/mail/example.org/alice/mail/.Sent"
INDEX = f"{FOLDER}/fts-flatcurve"   # what a search before 0.5.0 left on trixie

# debconf's frontend "editor" runs this on a file with the questions that it would ask (debconf(7)).
SHOWN = "/var/tmp/shown"
RECORDER = f"#!/bin/sh\ncat \"$1\" >>{SHOWN}\n"
ASKING = {"DEBIAN_FRONTEND": "editor", "EDITOR": "/usr/local/bin/recorder", "VISUAL": "/usr/local/bin/recorder"}

CASES = [("bookworm", "noninteractive", True),
         pytest.param("trixie", "editor", False, marks=pytest.mark.slow),
         pytest.param("trixie", "noninteractive", True, marks=pytest.mark.slow),
         pytest.param("bookworm", "editor", False, marks=pytest.mark.slow)]


def version(release: Release) -> str:
    return release.version


RECENT_AND_OLD = [pytest.param(release, id=version(release), marks=[pytest.mark.slow] if number > 1 else [])
                  for number, release in enumerate(RELEASES)]


def test_all_releases_are_within_reach() -> None:
    """The other tests here have a case for each: none may be missing in silence."""
    if reason := released.unreachable(SOURCE):
        pytest.skip(reason)
    if not RELEASES:
        pytest.skip("nothing has been released yet: debian/changelog has one entry")


@pytest.mark.parametrize("release", RECENT_AND_OLD)
@pytest.mark.parametrize(("suite", "frontend", "edited"), CASES)
def test_an_upgrade_keeps_everything(release: Release, suite: str, frontend: str, edited: bool, deb: Path,
                                     record: Record) -> None:
    old = released.rebuilt(SOURCE, release)
    with Chroot(installed(suite, old, ANSWERS, needs=deb), f"{suite}-upgrade", network=True) as chroot:
        chroot.write(ASKING["EDITOR"], RECORDER, 0o755)
        live(chroot)
        if release.version >= "0.5.0":  # it makes no such index
            chroot.run(f"rm -r {INDEX}")
        drop_in = edit(chroot) if edited else ""
        accounts = databases(chroot)
        packages.offer(chroot, deb)
        done = chroot.run(["apt-get", "-y", "--with-new-pkgs", "upgrade"], check=False,
                          env=ASKING if frontend == "editor" else {})
        said = done.stdout + done.stderr
        assert done.returncode == 0, said[-3000:]
        assert chroot.run("dpkg-query -W -f '${Version} ${db:Status-Status}' smallmail-server").stdout \
            == packages.field(deb, "Version") + " installed"
        assert shown(chroot) == ""
        assert databases(chroot) == accounts
        assert chroot.run(["find", FOLDER, "-type", "f"]).stdout.split() == [f"{FOLDER}/cur/letter"]
        assert not (chroot.path / INDEX[1:]).exists()
        settings = chroot.read("/etc/smallmail/smallmail.conf")
        assert "hostname = " + ANSWERS["hostname"] in settings and "resolver = system" in settings
        plan = chroot.run("smallmail plan", check=False).stdout
        assert "Nothing to do." in plan, plan
        if edited:
            assert edits_gone(chroot, drop_in, said, plan) == []
        if frontend == "editor":
            # Or the recorder would have recorded nothing, whatever was asked.
            chroot.run(["dpkg-reconfigure", "smallmail-server"], env=ASKING)
            assert "smallmail-server/hostname" in shown(chroot)
        record(f"{suite} from {release.version} to {packages.field(deb, 'Version')}, {frontend},"
               f" {'with' if edited else 'without'} edits: all kept, nothing asked")


def live(chroot: Chroot) -> None:
    """A mailbox, an alias, another password, a setting, mail."""
    chroot.run("smallmail user add --password-stdin carol@example.org", input="a password of hers\n")
    chroot.run("smallmail alias add sales@example.org carol@example.org")
    chroot.run("smallmail user passwd --password-stdin " + ALICE, input="another password\n")
    chroot.run("smallmail set quota=1G")
    chroot.run(f"runuser -u vmail -- sh -c 'mkdir -p {INDEX}/index.1 {FOLDER}/cur && cd {INDEX}/index.1 &&"
               " touch iamglass postlist.glass ../../cur/letter'")


def databases(chroot: Chroot) -> str:
    """All rows of the account databases. (A new version may add an index.)"""
    return chroot.run(["python3", "-c", """
import sqlite3
for name in "accounts", "passwords":
    for line in sqlite3.connect("file:/var/lib/smallmail/%s.db?mode=ro" % name, uri=True).iterdump():
        if line.startswith("INSERT"):
            print(line)
"""]).stdout


def edit(chroot: Chroot) -> str:
    """An admin's own hand: a drop-in, whose path is returned, a parameter, Postfix lines, the settings file (value and
    comment)."""
    drop_in = f"/etc/dovecot/conf.d/{chroot.run(PARTS).stdout.split()[0]}"
    chroot.run(f"echo '{COMMENT}' >>{drop_in}")
    chroot.run(["postconf", "-e", "smtpd_banner=$myhostname hi"])
    chroot.write("/etc/smallmail/local/postfix/main.cf", "delay_warning_time = 3h\n")
    chroot.run(f"sed -i -E 's/^#? ?message-size-limit *=.*/message-size-limit = 20M/; 1i {COMMENT}'"
               " /etc/smallmail/smallmail.conf")
    return drop_in


def edits_gone(chroot: Chroot, drop_in: str, said: str, plan: str) -> list[str]:
    """What of that is not there, not in force, or was not named to the admin."""
    gone = [path for path in (drop_in, "/etc/smallmail/smallmail.conf") if COMMENT not in chroot.read(path)]
    for name, value in (("smtpd_banner", "$myhostname hi"), ("delay_warning_time", "3h"),
                        ("message_size_limit", str(20 << 20))):
        if (found := chroot.run(["postconf", "-h", name]).stdout.strip()) != value:
            gone.append(f"{name}: {found}")
    gone += ["told: " + name for name in (drop_in, "smtpd_banner") if name not in said or name not in plan]
    return gone


def shown(chroot: Chroot) -> str:
    """The questions that debconf asked, as the recorder noted them."""
    return chroot.run(["cat", SHOWN], check=False).stdout


# The release whose one file is several files today (configuration/plan.py).
ONE_FILE = [release for release in RELEASES if release.version == "0.3.0"]
# What each host makes for itself.
SECRET = re.compile(r"(server_api_header|hash_nonce) = \S+")
ASKED = {"dovecot": "doveconf -n", "postfix": "postconf -n", "services": "postconf -Mf",
         "rspamd": "rspamadm configdump -j"}
# A setting of ours that is gone, one with another value, one that smallmail does not make.
EDIT = (r"sed -i -e '/^mail_max_userip_connections/d; s/process_limit = 10$/process_limit = 11/'"
        r" -e '$a service imap {\n  process_limit = 77\n}' " + DROP_IN)
# On a network of its own: other tests' machines have the same ports.
LOGIN = """unshare --net sh -ec '
    ip link set lo up
    dovecot </dev/null
    { cat; sleep 3; echo "c LOGOUT"; sleep 1; } | openssl s_client -quiet -connect 127.0.0.1:993 2>/dev/null
    doveadm stop'"""


@pytest.mark.parametrize("release", ONE_FILE, ids=version)
@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_an_upgraded_host_is_configured_as_a_new_one(release: Release, suite: str, deb: Path, record: Record) -> None:
    old = released.rebuilt(SOURCE, release)
    with Chroot(installed(suite, old, ANSWERS, needs=deb), f"{suite}-same", network=True) as chroot:
        before = configuration(chroot)
        upgrade(chroot, deb)
        after = configuration(chroot)
        assert difference(fresh(suite, deb), after) == ""
        parts = chroot.run(PARTS).stdout.split()
        assert len(parts) > 10 and "95-smallmail.conf" not in parts
        assert "Nothing to do." in chroot.run("smallmail plan").stdout
        assert_serves(chroot)
        assert_nothing_left(chroot)
        lines = ", ".join(f"{len(said.splitlines())} ({daemon})" for daemon, said in after.items())
        changed = len(difference(before, after).splitlines())
        record(f"{suite}: {lines} lines as on a new host, {changed} of them other than before")


@pytest.mark.parametrize("release", ONE_FILE, ids=version)
@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_the_one_file_that_an_admin_edited_stays_until_it_is_given_up(release: Release, suite: str, deb: Path,
                                                                      record: Record) -> None:
    old = released.rebuilt(SOURCE, release)
    with Chroot(installed(suite, old, ANSWERS, needs=deb), f"{suite}-one-file", network=True) as chroot:
        unedited = configuration(chroot)
        chroot.run(EDIT)
        text = chroot.read(DROP_IN)
        assert difference(unedited, configuration(chroot)) != ""
        said = upgrade(chroot, deb)
        replace = "smallmail apply --replace " + DROP_IN
        assert replace in said and replace in chroot.run("smallmail plan").stdout
        assert difference(fresh(suite, deb, one_file=text), configuration(chroot)) == ""
        assert (chroot.read(DROP_IN), chroot.run(PARTS).stdout.splitlines()[0]) == (text, "95-smallmail.conf")
        assert "95-smallmail-" not in chroot.run(PARTS).stdout
        assert_serves(chroot)
        chroot.run("smallmail set quota=3G")
        assert chroot.read(DROP_IN) == text
        chroot.run("smallmail set quota=0; " + replace)
        assert difference(fresh(suite, deb), configuration(chroot)) == ""
        assert "95-smallmail." not in chroot.run(PARTS).stdout
        assert_nothing_left(chroot)
        record(f"{suite}: as on a new host with that file in place of ours, and without it once it is given up")


@pytest.mark.parametrize("release", ONE_FILE, ids=version)
@pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def test_the_one_file_that_an_admin_edited_is_named_on_removal(release: Release, suite: str, deb: Path) -> None:
    old = released.rebuilt(SOURCE, release)
    with Chroot(installed(suite, old, ANSWERS, needs=deb), f"{suite}-one-file-removed", network=True) as chroot:
        chroot.run(EDIT)
        upgrade(chroot, deb)
        text = chroot.read(DROP_IN)
        said = chroot.run("apt-get -y remove smallmail-server").stdout.replace("\r", "")    # dpkg is on a terminal
        assert DROP_IN + ": changed by hand: smallmail keeps your version\n" in said
        assert (chroot.read(DROP_IN), chroot.run(PARTS).stdout) == (text, "95-smallmail.conf\n")
        assert_nothing_left(chroot)


@pytest.mark.slow
@pytest.mark.parametrize("release", ONE_FILE, ids=version)
def test_the_one_file_that_a_new_dovecot_refuses_is_set_aside(release: Release, deb: Path) -> None:
    with Chroot(upgrades.upgradable("bookworm", deb, "trixie"), "one-file-refused", network=True) as chroot:
        old = released.rebuilt(SOURCE, release)
        packages.offer(chroot, old)
        packages.preseed(chroot, old, ANSWERS)
        packages.install(chroot, "smallmail-server")
        chroot.run(EDIT)
        upgrade(chroot, deb)
        text = chroot.read(DROP_IN)
        upgrades.point(chroot, "trixie")
        said = chroot.run(["apt-get", "-y", "full-upgrade"]).stdout
        assert DROP_IN + ".set-aside" in said
        assert chroot.read(DROP_IN + ".set-aside") == text
        parts = chroot.run(PARTS).stdout.split()
        assert len(parts) > 10 and not {"95-smallmail.conf", "95-smallmail.conf.ucf-dist"}.intersection(parts)
        assert "Nothing to do." in chroot.run("smallmail plan").stdout
        assert_serves(chroot)
        chroot.run("smallmail set quota=3G")    # the record forgets the one file
        assert_nothing_left(chroot)


def upgrade(chroot: Chroot, deb: Path) -> str:
    """What apt said."""
    packages.offer(chroot, deb)
    done = chroot.run(["apt-get", "-y", "--with-new-pkgs", "upgrade"])
    assert chroot.run("dpkg-query -W -f '${Version}' smallmail-server").stdout == packages.field(deb, "Version")
    return done.stdout + done.stderr


def configuration(chroot: Chroot) -> dict[str, str]:
    """What each daemon says of its own configuration."""
    said = {daemon: SECRET.sub(r"\1", chroot.run(asked).stdout) for daemon, asked in ASKED.items()}
    # Rspamd tells its own in another order each time. New lines of master.cf are at its end, and the order is nothing.
    services = sorted(re.split(r"\n(?=\S)", said["services"].strip()))
    rspamd = json.dumps(json.loads(said["rspamd"]), indent=1, sort_keys=True)
    return {**said, "services": "\n".join(services), "rspamd": rspamd}


def fresh(suite: str, deb: Path, one_file: str = "") -> dict[str, str]:
    """The configuration of a new host; with that file, if it is given, in the place of all that replace it today.

    It has the package that was recommended before 0.5.0, which an upgrade leaves there.
    """
    with Chroot(installed(suite, deb, ANSWERS), f"{suite}-fresh", network=True) as chroot:
        if suite == "trixie":
            packages.install(chroot, "dovecot-flatcurve")
        if one_file:
            chroot.run("rm /etc/dovecot/conf.d/95-smallmail-*")
            chroot.write(DROP_IN, one_file)
        return configuration(chroot)


def difference(before: dict[str, str], after: dict[str, str]) -> str:
    """The lines that were removed (-) and added (+); empty when all daemons say the same."""
    return "\n".join(line for daemon in ASKED for line in list(difflib.unified_diff(
        before[daemon].splitlines(), after[daemon].splitlines(), n=0, lineterm=""))[2:] if not line.startswith("@@"))


def assert_serves(chroot: Chroot) -> None:
    said = chroot.run(LOGIN, input=f'a LOGIN {ALICE} "{ANSWERS["password"]}"\nb SELECT Junk\n').stdout
    assert "a OK" in said and "b OK" in said, said


def assert_nothing_left(chroot: Chroot) -> None:
    chroot.run("apt-get -y purge smallmail-server")
    left = "find /etc -name '*smallmail*' ! -name smallmail-lab.list; grep smallmail /var/lib/ucf/*[a-z]"
    assert chroot.run(left, check=False).stdout == ""
