"""`apt-get upgrade` from every released version, in chroots: what was set, answered, entered and edited stays."""
import pathlib

import pytest

from tests.lab import packages, released
from tests.lab.chroot import Chroot
from tests.lab.installed import installed
from tests.system.mailhost import ALICE, ANSWERS

SOURCE = pathlib.Path(__file__).parents[2]
RELEASES = released.releases(SOURCE)
DROP_IN = "/etc/dovecot/conf.d/95-smallmail.conf"
COMMENT = "# an admin was here"

# debconf's frontend "editor" runs this on a file with the questions that it would ask (debconf(7)).
SHOWN = "/var/tmp/shown"
RECORDER = "#!/bin/sh\ncat \"$1\" >>{}\n".format(SHOWN)
ASKING = {"DEBIAN_FRONTEND": "editor", "EDITOR": "/usr/local/bin/recorder", "VISUAL": "/usr/local/bin/recorder"}

CASES = [("bookworm", "noninteractive", True),
         pytest.param("trixie", "editor", False, marks=pytest.mark.slow),
         pytest.param("trixie", "noninteractive", True, marks=pytest.mark.slow),
         pytest.param("bookworm", "editor", False, marks=pytest.mark.slow)]


def test_all_releases_are_within_reach():
    """The other tests here have a case for each: none may be missing in silence."""
    if reason := released.unreachable(SOURCE):
        pytest.skip(reason)
    if not RELEASES:
        pytest.skip("nothing has been released yet: debian/changelog has one entry")


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
@pytest.mark.parametrize(("suite", "frontend", "edited"), CASES)
def test_an_upgrade_keeps_everything(release, suite, frontend, edited, deb, record):
    old = released.rebuilt(SOURCE, release)
    with Chroot(installed(suite, old, ANSWERS, needs=deb), "{}-upgrade".format(suite), network=True) as chroot:
        chroot.write(ASKING["EDITOR"], RECORDER, 0o755)
        live(chroot)
        if edited:
            edit(chroot)
        accounts = databases(chroot)
        packages.offer(chroot, deb)
        done = chroot.run(["apt-get", "-y", "upgrade"], env=ASKING if frontend == "editor" else {}, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said[-3000:]
        assert chroot.run("dpkg-query -W -f '${Version} ${db:Status-Status}' smallmail-server").stdout \
            == packages.field(deb, "Version") + " installed"
        assert shown(chroot) == ""
        assert databases(chroot) == accounts
        settings = chroot.read("/etc/smallmail/smallmail.conf")
        assert "hostname = " + ANSWERS["hostname"] in settings and "resolver = system" in settings
        plan = chroot.run("smallmail plan", check=False).stdout
        assert "Nothing to do." in plan, plan
        if edited:
            assert edits_gone(chroot, said, plan) == []
        if frontend == "editor":
            # Or the recorder would have recorded nothing, whatever was asked.
            chroot.run(["dpkg-reconfigure", "smallmail-server"], env=ASKING)
            assert "smallmail-server/hostname" in shown(chroot)
        record("{} from {} to {}, {}, {} edits: all kept, nothing asked".format(
            suite, release.version, packages.field(deb, "Version"), frontend, "with" if edited else "without"))


def live(chroot):
    """A mailbox, an alias, another password, a setting."""
    chroot.run("smallmail user add --password-stdin carol@example.org", input="a password of hers\n")
    chroot.run("smallmail alias add sales@example.org carol@example.org")
    chroot.run("smallmail user passwd --password-stdin " + ALICE, input="another password\n")
    chroot.run("smallmail set quota=1G")


def databases(chroot):
    """All that the account databases hold."""
    return chroot.run(["python3", "-c", """
import sqlite3
for name in "accounts", "passwords":
    for line in sqlite3.connect("file:/var/lib/smallmail/%s.db?mode=ro" % name, uri=True).iterdump():
        print(line)
"""]).stdout


def edit(chroot):
    """An admin's own hand: a drop-in, a parameter, Postfix lines, the settings file (value and comment)."""
    chroot.run("echo '{}' >>{}".format(COMMENT, DROP_IN))
    chroot.run(["postconf", "-e", "smtpd_banner=$myhostname hi"])
    chroot.write("/etc/smallmail/local/postfix/main.cf", "delay_warning_time = 3h\n")
    chroot.run("sed -i -E 's/^#? ?message-size-limit *=.*/message-size-limit = 20M/; 1i {}'"
               " /etc/smallmail/smallmail.conf".format(COMMENT))


def edits_gone(chroot, said, plan):
    """What of that is not there, not in force, or was not named to the admin."""
    gone = [path for path in (DROP_IN, "/etc/smallmail/smallmail.conf") if COMMENT not in chroot.read(path)]
    for name, value in (("smtpd_banner", "$myhostname hi"), ("delay_warning_time", "3h"),
                        ("message_size_limit", str(20 << 20))):
        if (found := chroot.run(["postconf", "-h", name]).stdout.strip()) != value:
            gone.append("{}: {}".format(name, found))
    gone += ["told: " + name for name in (DROP_IN, "smtpd_banner") if name not in said or name not in plan]
    return gone


def shown(chroot):
    """The questions that debconf asked, as the recorder noted them."""
    return chroot.run(["cat", SHOWN], check=False).stdout
