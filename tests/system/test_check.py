"""`smallmail check` on a real host: nothing on one that is right; what is broken is found, each with its sentence; what
is repaired is no longer found. And the daily letter."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping

import pytest

from tests.lab import World
from tests.support import internet
from tests.support.checks import broken, checked
from tests.support.fixtures import Record
from tests.support.mail_host import ADDRESS, ALICE, MailHost

pytestmark = pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
NOBODY = "203.0.113.222"
SECURITY = "/etc/apt/sources.list.d/security.list"
UPDATE = f"apt-get update -o Dir::Etc::SourceList={SECURITY} -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0"
# What breaks a host so that the check finds one problem more, and what repairs it.
SHORT_NAME_FIRST = ("cp /etc/hosts /root; sed -i 's/^203.*/203.0.113.10 mx mx.example.org/' /etc/hosts",
                    "cp /root/hosts /etc")
LOADED_BY_THREADS = """
import sys, threading
late = []
def heard(event, given):
    if event == "import" and threading.current_thread() is not threading.main_thread():
        late.append(given[0])
sys.addaudithook(heard)
from smallmail.commands.cli import main
main(sys.argv[1:])
print("loaded by threads:", late, file=sys.stderr)
"""


@pytest.fixture(autouse=True)
def outside(world: World) -> None:
    world.dns.set(".", internet.RECORDS)


def test_a_right_host_has_no_problem(host: MailHost, record: Record) -> None:
    started = time.monotonic()
    done = host.machine.run("smallmail check", check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "No problem found."), done.stdout
    record(f"check of all groups: {time.monotonic() - started:.1f} s")
    done = host.machine.run("smallmail check hosts", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "smallmail: there is no group 'hosts'; did you mean 'host'?\n"


Break = tuple[str, str, str, list[str]]
# What breaks it, what repairs it, the groups to ask, the beginnings of the sentences to be found.
BREAKS: dict[str, Break] = {
    "disabled": ("systemctl disable dovecot", "systemctl enable dovecot", "host",
                 ["dovecot does not start with the machine: it is disabled"]),
    "timer": ("systemctl stop smallmail-certificate.timer", "systemctl start smallmail-certificate.timer", "host",
              ["smallmail-certificate.timer is not running"]),
    "name": ("cp /etc/hosts /root; sed -i 's/^203.*/203.0.113.99 mx mx.example.org/' /etc/hosts",
             "cp /root/hosts /etc", "host",
             ["'hostname -f' says mx, and not mx.example.org",
              "/etc/hosts has 203.0.113.99 for mx.example.org, which is not an address of this host"]),
    "disk": ("mount -t tmpfs -o size=1m none /srv/mail; touch /srv/mail/.smallmail;"
             " head -c 1000k /dev/zero >/srv/mail/zero", "umount /srv/mail",
             "host", ["the disk under /srv/mail is nearly full"]),
    "drift": ("cp -a /etc/rspamd/local.d/arc.conf /root; rm /etc/rspamd/local.d/arc.conf; postconf -X relayhost;"
              " sed -i 's/^# quota = .*/quota = 1G/' /etc/smallmail/smallmail.conf",
              "cp -a /root/arc.conf /etc/rspamd/local.d; sed -i 's/^quota = 1G/# quota = 0/'"
              " /etc/smallmail/smallmail.conf; smallmail apply --replace relayhost", "host",
              ["the configuration differs from the settings"]),
    "relay": ("postconf -e 'smtpd_relay_restrictions=check_sender_access static:permit, reject'; postfix reload",
              "smallmail apply --replace smtpd_relay_restrictions", "mail",
              ["this host is an open relay", "this host is an open relay"]),
    "world": ("postconf -e mynetworks=0.0.0.0/0; postfix reload", "smallmail apply --replace mynetworks", "mail",
              ["mynetworks lets all of 0.0.0.0/0 send to anyone"]),
    "tls": ("postconf -e 'smtpd_tls_protocols=!SSLv2' 'smtpd_tls_mandatory_protocols=!SSLv2'"
            " tls_medium_cipherlist=ALL:@SECLEVEL=0 tls_high_cipherlist=ALL:@SECLEVEL=0; postfix reload",
            "postconf -X tls_medium_cipherlist tls_high_cipherlist;"
            " smallmail apply --replace smtpd_tls_protocols --replace smtpd_tls_mandatory_protocols", "tls",
            ["TLS older than 1.2 is accepted on port 25 and 465"]),
}
# Rspamd's sockets stay in the file system when it stops: that they exist proves nothing.
ANSWERING = ("python3 -c \"import socket; [socket.socket(socket.AF_UNIX).connect(path) for path in"
             " ('/var/spool/postfix/smallmail/milter.sock', '/var/lib/smallmail/rspamd/controller.sock')]\"")
DAEMONS: dict[str, Break] = {
    "rspamd": ("systemctl stop rspamd",
               f"systemctl start rspamd; until {ANSWERING} 2>/dev/null; do sleep 0.2; done",
               "host mail", ["rspamd is not running", "Rspamd does not answer Postfix",
                             "Rspamd's controller does not answer", "port 25 does not accept mail"]),
    "store": ("systemctl stop smallmail-redis", "systemctl start smallmail-redis", "host mail",
              ["smallmail-redis is not running", "Rspamd's store (smallmail-redis) does not answer"]),
    "loopback": ("postconf -e inet_interfaces=loopback-only; systemctl restart postfix",
                 "smallmail apply --replace inet_interfaces", "ports",
                 [f"Postfix does not respond correctly at {ADDRESS}, port 25, 465, 587",
                  "Postfix does not respond correctly at 2001:db8:113::10, port 25, 465, 587"]),
}


def test_what_is_broken_is_found(host: MailHost) -> None:
    assert not _missed(host, BREAKS)
    assert checked(host)[0] == []


@pytest.mark.slow
def test_daemons_that_are_away_are_found(host: MailHost) -> None:
    """Slow, for Rspamd takes half a minute to come back."""
    assert not _missed(host, DAEMONS)
    host.wait(lambda: checked(host)[0] == [], "the repaired host to be right")


def _missed(host: MailHost, breaks: Mapping[str, Break]) -> dict[str, list[str]]:
    """What was found where it was not what should have been, by what was broken."""
    wrong = {}
    for name, (how, repair, groups, expected) in breaks.items():
        with broken(host, how, repair):
            found, code = checked(host, groups)
        if (found, code) != (expected, 1):
            wrong[name] = found
    return wrong


def test_no_thread_loads_a_module(host: MailHost) -> None:
    """Up to Python 3.11, threads that do may wait for each other for good: a check hung for a quarter of an hour."""
    for words in ("check", "dns check"):
        told = host.machine.run(f"python3 - {words}", input=LOADED_BY_THREADS, check=False).stderr
        assert told.splitlines()[-1] == "loaded by threads: []"


def test_a_change_by_hand_is_a_note(host: MailHost) -> None:
    with broken(host, "cp -a /etc/rspamd/local.d/arc.conf /root; echo '# mine' >>/etc/rspamd/local.d/arc.conf",
                "cp -a /root/arc.conf /etc/rspamd/local.d"):
        done = host.machine.run("smallmail check host", check=False)
    assert done.returncode == 0
    assert "Note: /etc/rspamd/local.d/arc.conf: changed by hand: smallmail keeps your\n  version" in done.stdout


def test_mail_that_waits(host: MailHost) -> None:
    host.world.dns.set("example.net", f"nowhere A {NOBODY}\n")
    with broken(host, "postconf -e delay_warning_time=1s; echo hello | sendmail bob@nowhere.example.net",
                "postsuper -d ALL deferred; postconf -e delay_warning_time=4h; postfix reload"):
        host.wait(lambda: checked(host, "mail")[0] == ["mail has waited for long: the other server cannot be reached"],
                  "the waiting letter to be found")
        host.machine.run("postconf -e delay_warning_time=4h")
        done = host.machine.run("smallmail check mail", check=False)
        assert (done.returncode, "Note: 1 message is queued for a retry" in done.stdout) == (0, True), done.stdout
    assert checked(host, "mail") == ([], 0)


def quota(number: str) -> str:
    """Return the command that gives all mailboxes that quota, in bytes or NULL."""
    return ("python3 -c \"import sqlite3; accounts = sqlite3.connect('/var/lib/smallmail/accounts.db');"
            f" accounts.execute('UPDATE mailbox SET quota = {number}'); accounts.commit()\";")


def test_a_full_mailbox(host: MailHost) -> None:
    with broken(host, "head -c 3000 /dev/zero | tr '\\0' x | doveadm save -u alice@example.org;" + quota("2048"),
                quota("NULL") + "doveadm expunge -u alice@example.org mailbox INBOX all"):
        postmaster = "mail for postmaster@example.org is refused"  # it goes there
        assert checked(host, "mail")[0] == [postmaster, f"the mailbox {ALICE} is full"]
        rights = host.machine.run("systemctl show -p CapabilityBoundingSet smallmail-check").stdout.strip()
        words = ",".join(f"+{right.removeprefix('cap_')}" for right in rights.partition("=")[2].split())
        daily = host.machine.run(f"setpriv --bounding-set -all,{words} smallmail check mail", check=False).stdout
        assert f"Problem: the mailbox {ALICE} is full\n" in daily, "with the rights of the daily check"
    assert checked(host, "mail") == ([], 0)


def test_a_security_update(host: MailHost) -> None:
    """Offered by a repository that says of itself what Debian's says."""
    run = host.machine.run
    fields = run("dpkg-query -W -f 'Package: ${Package}\\nArchitecture: ${Architecture}\\n"
                 "Version: ${Version}+deb99u1\\n' postfix").stdout + f"Filename: ./x\nSize: 1\nSHA256: {'0' * 64}\n"
    digest = hashlib.sha256(fields.encode()).hexdigest()
    host.machine.write("/srv/security/Packages", fields)
    host.machine.write("/srv/security/Release", "Label: Debian-Security\nSuite: stable-security\n"
                       f"Date: Tue, 24 Nov 2026 00:00:00 UTC\nSHA256:\n {digest} {len(fields)} Packages\n")
    host.machine.write(SECURITY, "deb [trusted=yes] file:/srv/security ./\n")
    try:
        run(UPDATE)
        assert checked(host, "updates") == (["security updates are not installed: postfix"], 1)
    finally:
        run(f"rm -r /srv/security {SECURITY} /var/lib/apt/lists/*security_._*")
    assert checked(host, "updates") == ([], 0)
    with broken(host, "cp -a /var/lib/dpkg/status /root; sed -i '/^Package: rspamd$/,/^Status:/s/ installed$/"
                " half-configured/' /var/lib/dpkg/status", "mv /root/status /var/lib/dpkg/status"):
        assert checked(host, "updates")[0] == ["only partly installed: rspamd"]


def test_the_daily_letter(host: MailHost) -> None:
    """One when something new is wrong, one when it is gone, none in between."""
    run, state = host.machine.run, "/var/lib/smallmail/check.json"

    def a_day_later() -> None:
        run("systemctl start smallmail-check.service")

    def letters() -> list[str]:
        return sorted(each for each in host.subjects("INBOX") if each.startswith("mx.example.org:"))

    assert run("systemctl is-enabled smallmail-check.timer; systemctl is-active smallmail-check.timer").stdout == \
        "enabled\nactive\n"
    a_day_later()
    assert run(f"stat -c '%a %U' {state}; cat {state}").stdout == "600 root\n[]\n"
    with broken(host, *SHORT_NAME_FIRST):
        a_day_later()
        what = "'hostname -f' says mx, and not mx.example.org"
        body = host.expect("INBOX", "mx.example.org: " + what).get_content()
        assert body.startswith(f"Problem: {what}\r\n")
        assert "  Put '203.0.113.10 mx.example.org mx' into /etc/hosts" in body
        a_day_later()
    a_day_later()
    body = host.expect("INBOX", "mx.example.org: 1 solved").get_content()
    assert body.startswith(f"No longer a problem:\r\n  {what}\r\n") and "Problem: " not in body
    a_day_later()
    assert letters() == ["mx.example.org: " + what, "mx.example.org: 1 solved"]
    assert "smallmail-check" not in run("systemctl --failed").stdout


@pytest.mark.slow
def test_a_spool_that_is_full_keeps_no_job_waiting(host: MailHost, record: Record) -> None:
    """Postfix's sendmail tries again without end; what was to be told is told when there is room again."""
    run, maildrop = host.machine.run, "/var/spool/postfix/maildrop"
    run("systemctl start smallmail-check.service")
    with broken(host, *SHORT_NAME_FIRST):
        with broken(host, f"mount -t tmpfs -o nr_inodes=1,mode=1730,gid=postdrop tmpfs {maildrop}",
                    f"umount {maildrop}"):
            started = time.monotonic()
            assert run("systemctl start smallmail-check.service", check=False).returncode == 1
            record(f"ended after {time.monotonic() - started:.0f} s")
        before = len(host.subjects("INBOX"))
        run("systemctl start smallmail-check.service")
        host.wait(lambda: len(host.subjects("INBOX")) > before, "the letter")
    run("systemctl start smallmail-check.service")
