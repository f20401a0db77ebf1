"""`smallmail check` on a real host: nothing on one that is right; what is broken is found, each with its sentence; what
is mended is no longer found. And the daily letter."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from smallmail.check.probes import blocklists, outbound
from tests.lab import roots
from tests.lab.network import inside
from tests.lab.world import CLIENT
from tests.system.mailhost import ADDRESS, ALICE

pytestmark = pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])

REVERSED = ".".join(reversed(ADDRESS.split(".")))
NOBODY = "203.0.113.222"
# What the internet has that the lab lacks: block lists, and big mail providers.
OUTSIDE = "".join(f"{each.always}.{each.zone}. A 127.0.0.2\n" for each in blocklists.ADDRESSES + blocklists.DOMAINS) \
    + "".join(f"{domain}. MX 5 mx.example.net.\n" for domain in outbound.PROBES)
SECURITY = "/etc/apt/sources.list.d/security.list"
UPDATE = f"apt-get update -o Dir::Etc::SourceList={SECURITY} -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0"


@pytest.fixture(autouse=True)
def outside(world):
    world.dns.set(".", OUTSIDE)


def checked(mail, groups="") -> tuple[list[str], int]:
    """The problems, one sentence each, and the exit code."""
    done = mail.machine.run("smallmail check --json " + groups, check=False)
    assert done.stdout, done.stderr
    return [each["what"] for each in json.loads(done.stdout) if each["severity"] == "problem"], done.returncode


@contextmanager
def broken(mail, how: str, mended: str) -> Iterator[None]:
    mail.machine.run(how)
    try:
        yield
    finally:
        mail.machine.run(mended)


def test_a_right_host_has_no_problem(mail, record):
    started = time.monotonic()
    done = mail.machine.run("smallmail check", check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "No problem found."), done.stdout
    record(f"check of all groups: {time.monotonic() - started:.1f} s")
    done = mail.machine.run("smallmail check hosts", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "smallmail: there is no group 'hosts'; did you mean 'host'?\n"


# What breaks it, what mends it, the groups to ask, the beginnings of the sentences to be found.
BREAKS = {
    "disabled": ("systemctl disable dovecot", "systemctl enable dovecot", "host",
                 ["dovecot does not start with the machine: it is disabled"]),
    "timer": ("systemctl stop smallmail-certificate.timer", "systemctl start smallmail-certificate.timer", "host",
              ["smallmail-certificate.timer is not running"]),
    "name": ("cp /etc/hosts /root; sed -i 's/^203.*/203.0.113.99 mx mx.example.org/' /etc/hosts",
             "cp /root/hosts /etc", "host",
             ["'hostname -f' says mx, and not mx.example.org",
              "/etc/hosts has 203.0.113.99 for mx.example.org, which is not an address of this host"]),
    "disk": ("mount -t tmpfs -o size=1m none /srv/mail; head -c 1000k /dev/zero >/srv/mail/zero", "umount /srv/mail",
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
DAEMONS = {
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


def test_what_is_broken_is_found(mail):
    assert not _missed(mail, BREAKS)
    assert checked(mail)[0] == []


@pytest.mark.slow
def test_daemons_that_are_away_are_found(mail):
    """Slow, for Rspamd takes half a minute to come back."""
    assert not _missed(mail, DAEMONS)
    mail.wait(lambda: checked(mail)[0] == [], "the mended host to be right")


def _missed(mail, breaks) -> dict[str, list[str]]:
    """What was found where it was not what should have been, by what was broken."""
    wrong = {}
    for name, (how, mended, groups, expected) in breaks.items():
        with broken(mail, how, mended):
            found, code = checked(mail, groups)
        if (found, code) != (expected, 1):
            wrong[name] = found
    return wrong


def test_a_change_by_hand_is_a_note(mail):
    with broken(mail, "cp -a /etc/rspamd/local.d/arc.conf /root; echo '# mine' >>/etc/rspamd/local.d/arc.conf",
                "cp -a /root/arc.conf /etc/rspamd/local.d"):
        done = mail.machine.run("smallmail check host", check=False)
    assert done.returncode == 0
    assert "Note: /etc/rspamd/local.d/arc.conf: changed by hand: smallmail keeps your\n  version" in done.stdout


def test_block_lists(mail):
    dns = mail.world.dns
    listed, twin = f"{REVERSED}.zen.spamhaus.org", f"{REVERSED}.psbl.surriel.com"
    dns.set(".", f"{listed}. A 127.0.0.10\n{twin}. A 127.0.0.2\nexample.org.dbl.spamhaus.org. A 127.0.1.2\n")
    try:
        done = mail.machine.run("smallmail check reputation", check=False)
        assert done.returncode == 1
        for sentence in (f"Problem: {ADDRESS} is on the block list Spamhaus ZEN\n  PBL: this is not an accusation.",
                         f"Problem: {ADDRESS} is on the block list PSBL\n", "https://psbl.org/remove",
                         "Problem: example.org is on the block list Spamhaus DBL"):
            assert sentence in done.stdout
        dns.set(".", "2.0.0.127.zen.spamhaus.org. A 127.255.255.254\n")     # whom it refuses, it says nothing else
        found, _ = checked(mail, "reputation")
        assert "Spamhaus ZEN does not answer public resolvers (asked by 203.0.113.53)" in found
        assert f"{ADDRESS} is on the block list Spamhaus ZEN" not in found
        dns.set(".", "1.0.0.127.psbl.surriel.com. A 127.0.0.2\n")   # a list that lists the world
        assert not [what for what in checked(mail, "reputation")[0] if "PSBL" in what]
    finally:
        for name in (listed, twin, "example.org.dbl.spamhaus.org", "1.0.0.127.psbl.surriel.com"):
            dns.remove(name, "A")
        dns.set(".", OUTSIDE)
    assert checked(mail, "reputation") == ([], 0)


def test_mail_that_waits(mail):
    mail.world.dns.set("example.net", f"nowhere A {NOBODY}\n")
    with broken(mail, "postconf -e delay_warning_time=1s; echo hello | sendmail bob@nowhere.example.net",
                "postsuper -d ALL deferred; postconf -e delay_warning_time=4h; postfix reload"):
        mail.wait(lambda: checked(mail, "mail")[0] == ["mail has waited for long: the other server cannot be reached"],
                  "the waiting letter to be found")
        mail.machine.run("postconf -e delay_warning_time=4h")
        done = mail.machine.run("smallmail check mail", check=False)
        assert (done.returncode, "Note: 1 message is queued for a retry" in done.stdout) == (0, True), done.stdout
    assert checked(mail, "mail") == ([], 0)


QUOTA = ("python3 -c \"import sqlite3; accounts = sqlite3.connect('/var/lib/smallmail/accounts.db');"
         " accounts.execute('UPDATE mailbox SET quota = {}'); accounts.commit()\";")


def test_a_full_mailbox(mail):
    with broken(mail, "head -c 3000 /dev/zero | tr '\\0' x | doveadm save -u alice@example.org;" + QUOTA.format(2048),
                QUOTA.format("NULL") + "doveadm expunge -u alice@example.org mailbox INBOX all"):
        assert checked(mail, "mail")[0] == [f"the mailbox {ALICE} is full"]
    assert checked(mail, "mail") == ([], 0)


@pytest.fixture
def nft(mail, suite):
    """nftables on the machine."""
    command = ["apt-get", "-y", "--download-only", "--no-install-recommends", "install", "nftables"]
    layers = roots.upon_base(suite, "nftables", command)
    for deb in sorted((layers[0] / "var/cache/apt/archives").glob("*.deb")):
        mail.machine.write(f"/root/nft/{deb.name}", deb.read_bytes())
    mail.machine.run("dpkg -i /root/nft/*.deb")
    yield
    mail.machine.run("nft flush ruleset; dpkg --purge nftables")


@pytest.mark.slow
@pytest.mark.usefixtures("nft")
def test_firewalls(mail, record):
    run = mail.machine.run
    run("nft 'table inet t { chain out { type filter hook output priority 0; tcp dport 25 oif eth0 drop; }; }'")
    started = time.monotonic()
    found, _ = checked(mail, "ports")
    record(f"port 25 outbound dropped: found in {time.monotonic() - started:.1f} s")
    assert found == [f"mail is not sent over {family}: connections to port 25 of other servers do not get through"
                     for family in ("IPv4", "IPv6")]
    run("nft flush ruleset; nft 'table inet t { chain in { type filter hook input priority 0; policy drop;"
        " ct state established accept; iif lo accept; tcp dport { 22, 25, 465, 993 } accept; }; }'")
    assert checked(mail, "ports")[0] == ["the firewall on this host does not let anyone in on port 587, 4190"]
    # The network is dead: nothing is accused that cannot be known, and it ends.
    run("nft flush ruleset; nft 'table inet t { chain out { type filter hook output priority 0; oif eth0 drop; }; }'")
    started = time.monotonic()
    done = run("smallmail check", check=False)
    record(f"check with a dead network: {time.monotonic() - started:.1f} s")
    run("nft flush ruleset")
    assert done.returncode == 0, done.stdout
    assert "Not checked: the DNS servers (neither 203.0.113.53 nor any root server answers)" in done.stdout
    assert checked(mail)[0] == []


@pytest.mark.slow
def test_a_network_that_is_not_there(mail):
    run = mail.machine.run
    run("ip link set eth0 down")
    try:
        done = run("smallmail check", check=False)
    finally:
        run("ip link set eth0 up; ip address add 2001:db8:113::10/64 dev eth0 nodad 2>/dev/null;"
            " ip route replace default via 203.0.113.1; ip -6 route replace default via 2001:db8:113::1")
    assert done.returncode == 0, done.stdout
    assert checked(mail)[0] == []


def test_the_clock(mail):
    mail.world.dns.set(".", f"2.debian.pool.ntp.org. A {CLIENT}\n")
    try:
        for off, expected in ((3600.0, ["the clock is wrong"]), (1.0, [])):
            with inside(mail.world.client.namespace):
                server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                server.bind((CLIENT, 123))
            with server:
                thread = threading.Thread(target=_tell_time, args=(server, off))
                thread.start()
                assert checked(mail, "host")[0] == expected
                thread.join(20)
    finally:
        mail.world.dns.remove("2.debian.pool.ntp.org", "A")


def _tell_time(server: socket.socket, off: float) -> None:
    """One answer of a time server (RFC 5905) whose clock is so many seconds ahead."""
    server.settimeout(15)
    _, client = server.recvfrom(48)
    now = time.time() + off + 2208988800
    server.sendto(bytes([0x24, 2]) + bytes(38) + struct.pack("!II", int(now), int(now % 1 * 2 ** 32)), client)


def test_a_security_update(mail):
    """Offered by a repository that says of itself what Debian's says."""
    run = mail.machine.run
    fields = run("dpkg-query -W -f 'Package: ${Package}\\nArchitecture: ${Architecture}\\n"
                 "Version: ${Version}+deb99u1\\n' postfix").stdout + f"Filename: ./x\nSize: 1\nSHA256: {'0' * 64}\n"
    digest = hashlib.sha256(fields.encode()).hexdigest()
    mail.machine.write("/srv/security/Packages", fields)
    mail.machine.write("/srv/security/Release", "Label: Debian-Security\nSuite: stable-security\n"
                       f"Date: Tue, 24 Nov 2026 00:00:00 UTC\nSHA256:\n {digest} {len(fields)} Packages\n")
    mail.machine.write(SECURITY, "deb [trusted=yes] file:/srv/security ./\n")
    try:
        run(UPDATE)
        assert checked(mail, "updates") == (["security updates are not installed: postfix"], 1)
    finally:
        run(f"rm -r /srv/security {SECURITY} /var/lib/apt/lists/*security_._*")
    assert checked(mail, "updates") == ([], 0)
    with broken(mail, "cp -a /var/lib/dpkg/status /root; sed -i '/^Package: rspamd$/,/^Status:/s/ installed$/"
                " half-configured/' /var/lib/dpkg/status", "mv /root/status /var/lib/dpkg/status"):
        assert checked(mail, "updates")[0] == ["only partly installed: rspamd"]


def test_the_daily_letter(mail):
    """One when something new is wrong, one when it is gone, none in between."""
    run, state = mail.machine.run, "/var/lib/smallmail/check.json"

    def a_day_later() -> None:
        run("systemctl start smallmail-check.service")

    def letters() -> list[str]:
        return sorted(each for each in mail.subjects("INBOX") if each.startswith("mx.example.org:"))

    assert run("systemctl is-enabled smallmail-check.timer; systemctl is-active smallmail-check.timer").stdout == \
        "enabled\nactive\n"
    a_day_later()
    assert run(f"stat -c '%a %U' {state}; cat {state}").stdout == "600 root\n[]\n"
    with broken(mail, "cp /etc/hosts /root; sed -i 's/^203.*/203.0.113.10 mx mx.example.org/' /etc/hosts",
                "cp /root/hosts /etc"):
        a_day_later()
        what = "'hostname -f' says mx, and not mx.example.org"
        body = mail.expect("INBOX", "mx.example.org: " + what).get_content()
        assert body.startswith(f"Problem: {what}\r\n")
        assert "  Put '203.0.113.10 mx.example.org mx' into /etc/hosts" in body
        a_day_later()
    a_day_later()
    body = mail.expect("INBOX", "mx.example.org: 1 solved").get_content()
    assert body.startswith(f"No longer a problem:\r\n  {what}\r\n") and "Problem: " not in body
    a_day_later()
    assert letters() == ["mx.example.org: " + what, "mx.example.org: 1 solved"]
    assert "smallmail-check" not in run("systemctl --failed").stdout
