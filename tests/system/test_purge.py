"""Removing and purging the package gives back what was there, in chroots: on hosts whose daemons an admin had before,
on bare ones, with half of the system gone, with and without the mail."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lab import packages
from tests.lab.chroot import Chroot, Host
from tests.lab.installed import needs_the_same
from tests.support.debian_hosts import minimal, stock
from tests.support.fixtures import Record
from tests.support.host_state import differences, fingerprint, traces
from tests.support.mail_host import ANSWERS
from tests.support.unix_account_server import TAKE_OVER, configure_by_hand

JUDGES = ("postfix check", "doveconf -n >/dev/null", "rspamadm configtest")
VALUES = "postconf -n; postconf -M; doveconf -n; rspamadm configdump | sort"
# What stays of ours between remove and purge.
KEPT = {"/etc/smallmail", "/etc/smallmail/smallmail.conf", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow",
        # A removed unit's link stays until the purge (deb-systemd-helper(1p)), as that of any package.
        "/etc/systemd/system/sockets.target.wants", "/etc/systemd/system/sockets.target.wants/smallmail-bans.socket",
        "/etc/systemd/system/sockets.target.wants/smallmail-sieve.socket",
        "/etc/systemd/system/multi-user.target.wants/smallmail-bans.service",
        "/etc/systemd/system/multi-user.target.wants/smallmail-bans-packets.path",
        "/etc/systemd/system/timers.target.wants/smallmail-backup.timer",
        "/etc/systemd/system/timers.target.wants/smallmail-certificate.timer",
        "/etc/systemd/system/timers.target.wants/smallmail-check.timer",
        "/etc/systemd/system/timers.target.wants/smallmail-dkim.timer"}
LETTER = "/srv/mail/example.org/alice/a-letter"
NOTHING_KEPT = {"purge-mail": "true"}
KEYS_STAY = "/var/lib/smallmail"    # the folder above them
EDITED = {"/etc/postfix/main.cf", "/etc/postfix/master.cf"}
# What differs after any installation, whatever was installed.
_OF_ANY_INSTALLATION = ("/var/cache/", "/var/lib/apt", "/var/lib/dpkg", "/var/log", "/var/backups",
                        "/var/lib/ucf/hashfile.", "/var/lib/ucf/registry.")  # ucf keeps seven old versions
# An editor that answers nothing, and leaves a trace of having been asked to: DEBIAN_FRONTEND=editor needs no terminal.
ASKED = {"DEBIAN_FRONTEND": "editor", "EDITOR": "/root/editor"}
EDITOR = "#!/bin/sh\ncat \"$1\" >>/root/asked\n"
ACCOUNTS = ("smallmail user list --json; smallmail alias list --json; smallmail domain list --json; smallmail show;"
            " sha256sum /var/lib/smallmail/*.db")
# Four of ours changed, and settings with a comment and a line of the admin's own.
EDITS = """
    postconf -e message_size_limit=77777777
    postconf -P submission/inet/syslog_name=postfix/mine
    printf '\\n# by hand\\n' >>/etc/postfix/main.cf
    printf '\\n# by hand\\n' >>/etc/dovecot/conf.d/95-smallmail-tls.conf
    rm /etc/rspamd/local.d/greylist.conf
    sed -i '1i # by hand' /etc/smallmail/smallmail.conf
    mkdir -p /etc/smallmail/local/postfix
    echo 'smtpd_banner = $myhostname by hand' >/etc/smallmail/local/postfix/main.cf
    smallmail apply
"""


def install(host: Host, deb: Path, answers: Mapping[str, str] | None = ANSWERS, **more: Any) -> str:
    if answers:
        packages.preseed(host, deb, answers)
    done = host.run(["apt-get", "-y", "install", "/srv/" + deb.name], timeout=900, **more)
    return done.stdout + done.stderr


def judged(host: Host) -> None:
    for judge in JUDGES:
        host.run(judge)


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_etc_is_what_an_admin_had_made_of_it(suite: str, deb: Path, record: Record) -> None:
    with Chroot(stock(suite, deb), f"{suite}-formerly", network=True) as chroot:
        configure_by_hand(chroot)
        before = fingerprint(chroot)
        values = chroot.run(VALUES).stdout
        install(chroot, deb, dict(ANSWERS, **TAKE_OVER, **NOTHING_KEPT))
        ours = differences(before, fingerprint(chroot))
        assert len(ours) > 30
        assert "example.org" in chroot.run("smallmail domain list").stdout
        assert "smallmail" in chroot.run("postconf -h virtual_mailbox_maps").stdout
        # What the admin had under a name of ours rests meanwhile.
        assert "/etc/rspamd/local.d/actions.conf" in ours
        assert chroot.run("smallmail plan").stdout == "Nothing to do.\n"

        said = chroot.run(["apt-get", "-y", "remove", "smallmail-server"])
        assert "by hand" not in said.stdout + said.stderr   # nobody changed a thing of ours
        assert set(differences(before, fingerprint(chroot))) == KEPT
        assert chroot.run(VALUES).stdout == values
        judged(chroot)

        chroot.run(["apt-get", "-y", "purge", "smallmail-server"])
        assert differences(before, fingerprint(chroot)) == {}
        assert traces(chroot) == []
        assert "_rspamd" in chroot.run("getent group postfix").stdout   # it was in there before us
        record(f"{suite}: {len(before)} files under /etc, {len(ours)} of them changed by us, the same bytes, modes and"
               " owners before and after")


@pytest.mark.parametrize("suite", ["trixie"])
def test_everything_is_back_after_another_installation(suite: str, deb: Path, record: Record) -> None:
    """The admin's edits of our files too; and a purge after it works when hardly anything is left of the system."""
    with Chroot(stock(suite, deb), f"{suite}-again", network=True) as chroot:
        before = fingerprint(chroot)
        install(chroot, deb)
        chroot.run(EDITS)
        chroot.run("smallmail alias add sales@example.org alice@example.org; smallmail user add --password-stdin"
                   " bob@example.org", input="another good one\n")
        state = "/etc /var/lib/smallmail/tls /var/lib/smallmail/dkim"
        during, accounts = fingerprint(chroot, state), chroot.run(ACCOUNTS).stdout
        plan = chroot.run("smallmail plan").stdout
        assert plan.count("changed by hand") == 4 and "Nothing to do." in plan

        said = chroot.run(["apt-get", "-y", "remove", "smallmail-server"]).stdout
        assert said.count("changed by hand") == 3   # the fourth is the file that is not there
        judged(chroot)
        assert chroot.run("postconf -h message_size_limit").stdout == "77777777\n"
        assert chroot.run("grep -c 'by hand' /etc/postfix/main.cf").stdout == "1\n"

        chroot.write("/root/editor", EDITOR, 0o755)
        install(chroot, deb, answers=None, env=ASKED)
        assert chroot.run("cat /root/asked", check=False).stdout == ""
        assert chroot.run("smallmail plan").stdout == plan
        assert chroot.run(ACCOUNTS).stdout == accounts
        # The order of lines in these two is another one now.
        assert set(differences(during, fingerprint(chroot, state))) <= EDITED
        record(f"{len(during)} files as before the removal, 4 edits kept, no question asked")

        # piuparts removes everything, and purges us last.
        chroot.run(["apt-get", "-y", "remove", "smallmail-server"])
        gone = "python3 python3-minimal debconf ucf adduser"
        theirs = set(chroot.run("dpkg -L " + gone).stdout.split())
        chroot.run("dpkg --force-depends --purge " + gone)
        assert chroot.run("command -v python3 ucf deluser", check=False).stdout == ""
        chroot.run(["dpkg", "--purge", "smallmail-server"])
        left = {path for path in differences(before, fingerprint(chroot)) if path not in theirs
                and not path.startswith("/etc/python3")}
        assert left == EDITED   # what was changed by hand stays there
        # Without debconf nobody can take our questions out of its database.
        # The entry of master.cf that was changed names a parameter of ours, which is empty now.
        assert [path for path in traces(chroot) if not path.startswith("/var/cache/debconf/")] == [
            KEYS_STAY, "/etc/postfix/master.cf"]
        judged(chroot)
        record("purged without " + gone)


@pytest.mark.parametrize("suite", ["trixie"])
def test_mail_leaves_with_a_purge_only_if_the_admin_says_so(suite: str, deb: Path, record: Record) -> None:
    with Chroot(stock(suite, deb), f"{suite}-mail", network=True) as chroot:
        before = fingerprint(chroot, "/etc /srv $(ls -d /var/lib/smallmail/dkim)")

        def changed() -> set[str]:
            return set(differences(before, fingerprint(chroot, "/etc /srv $(ls -d /var/lib/smallmail/dkim)")))

        install(chroot, deb)
        chroot.run(f"mkdir -p $(dirname {LETTER}); echo Good day >{LETTER}; chown -R vmail:vmail /srv/mail")
        mail = fingerprint(chroot, "/srv/mail /var/lib/smallmail/dkim")
        assert len([path for path in mail if path.endswith(".key")]) == 2
        chroot.run(["apt-get", "-y", "purge", "smallmail-server"])
        assert fingerprint(chroot, "/srv/mail /var/lib/smallmail/dkim") == mail
        assert chroot.run("getent passwd vmail | cut -d: -f1").stdout == "vmail\n"
        assert changed() == {*mail, "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"}
        assert traces(chroot) == [KEYS_STAY, "/srv/mail/.smallmail", "/etc/passwd"]     # the full name of vmail
        assert chroot.run("ls /var/lib/smallmail").stdout == "dkim\n"
        record(f"no: {len(mail)} files of mail and keys are there, and vmail")

        # A fresh start that takes up the mail, and is asked to delete it.
        install(chroot, deb, dict(ANSWERS, **NOTHING_KEPT))
        assert "Nothing to do." in chroot.run("smallmail plan").stdout
        assert fingerprint(chroot, "/var/lib/smallmail/dkim").items() <= mail.items()     # the same keys sign again
        assert chroot.run(["stat", "-c", "%U %G", LETTER]).stdout == "vmail vmail\n"
        chroot.run("smallmail domain add example.net; test -e /var/lib/smallmail/dkim/example.net.dkim.key")
        chroot.run(["apt-get", "-y", "purge", "smallmail-server"])
        # A key that this installation found is not its own to delete.
        assert changed() == {path for path in mail if path.startswith("/var/lib/smallmail/dkim")}
        assert chroot.run("getent passwd vmail", check=False).stdout == ""
        assert traces(chroot) == [KEYS_STAY]

        chroot.run("rm -r /var/lib/smallmail")
        install(chroot, deb, dict(ANSWERS, **NOTHING_KEPT))
        chroot.run(["apt-get", "-y", "purge", "smallmail-server"])
        assert changed() == set()
        record("yes: mail, keys and vmail are gone")


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_a_bare_machine_is_as_if_only_the_daemons_had_been_there(suite: str, deb: Path, record: Record,
                                                                 tmp_path: Path) -> None:
    """Other packages leave something behind when they are purged. Ours leaves nothing more than that."""
    left, installed = {}, {}
    for name, package in (("ours", deb), ("dependencies", needs_the_same(deb, tmp_path))):
        with minimal(suite, package, deb) as chroot:
            before = fingerprint(chroot, "/etc /srv /var /run /usr/local /root /home")
            install(chroot, package, {**ANSWERS, **NOTHING_KEPT} if name == "ours" else None)
            installed[name] = fingerprint(chroot)
            chroot.run(["apt-get", "-y", "purge", packages.field(package, "Package")])
            # cron recommends a mail server: apt would keep Postfix for its sake.
            chroot.run(["apt-get", "-y", "-o", "APT::AutoRemove::RecommendsImportant=false", "autoremove", "--purge"])
            assert chroot.run("dpkg -l postfix dovecot-core rspamd | grep ^i", check=False).stdout == ""
            after = fingerprint(chroot, "/etc /srv /var /run /usr/local /root /home")
            left[name] = {path: facts[1] and facts[1][0] for path, facts in differences(before, after).items()
                          if not path.startswith(_OF_ANY_INSTALLATION)}
            if name == "ours":
                assert traces(chroot) == []
    # Both were really installed, the dependencies and ours.
    assert "/etc/postfix/main.cf" in installed["dependencies"]
    assert "/etc/dovecot/conf.d/05-smallmail.conf" in installed["ours"]
    assert differences(left["dependencies"], left["ours"]) == {}
    under_etc = [path for path in left["ours"] if path.startswith("/etc/")]
    record(f"{suite}: the dependencies leave {len(left['ours'])} traces, {len(under_etc)} of them under /etc; with our"
           " package configured they are the same")


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["postfix postfix-pcre postfix-sqlite", "dovecot-core rspamd", "python3-minimal"])
def test_it_can_be_removed_whatever_went_before(gone: str, deb: Path, record: Record) -> None:
    """dpkg can be told to break dependencies; what is left must not stop a removal, nor come back by it."""
    with Chroot(stock("trixie", deb), "broken", network=True) as chroot:
        install(chroot, deb, {**ANSWERS, **NOTHING_KEPT})
        chroot.run("dpkg --force-depends --purge " + gone)
        names = "find /etc/postfix /etc/dovecot /etc/rspamd 2>/dev/null | grep -v smallmail; true"
        there = set(chroot.run(names).stdout.split())
        done = chroot.run(["dpkg", "--remove", "smallmail-server"])
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        # Without Python nothing can be given back, and that is said.
        assert ("not everything was restored" in said) == (gone == "python3-minimal")
        assert set(chroot.run(names).stdout.split()) <= there
        chroot.run(["dpkg", "--purge", "smallmail-server"])
        assert set(chroot.run(names).stdout.split()) <= there
        ours = "ls -d /etc/smallmail /var/lib/smallmail /etc/dovecot/conf.d/*smallmail*"
        assert chroot.run(ours, check=False).stdout == ""
        record(f"without {gone}: removed and purged, nothing came back")
