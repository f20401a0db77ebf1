"""A rotation of DKIM keys, with DNS set by hand and by dynamic updates, cut off and repeated: every message sent
meanwhile has two signatures, and the foreign Exim and dkimpy find both right."""
import json
import threading
import time
from contextlib import contextmanager

import pytest

from tests.lab import roots
from tests.lab.network import GATEWAY
from tests.system import letters
from tests.system.mailhost import ALICE, BOB, MailHost

FOLDER = "/var/lib/rspamd/dkim"
LOOK = "systemctl start smallmail-dkim.service"
# As dpkg left it on a host that had 0.2: one key, and nothing known of it.
AS_BEFORE = ("systemctl stop smallmail-dkim.timer;"
             f" rm {FOLDER}/keys.json {FOLDER}/*ed25519.key /var/lib/smallmail/dkim*;"
             f" echo {FOLDER}/example.org.dkim.key >/var/lib/smallmail/dkim-keys")
RFC2136 = ("dns_rfc2136_server = {}\ndns_rfc2136_name = {}.\ndns_rfc2136_secret = {}\n"
           "dns_rfc2136_algorithm = HMAC-SHA256\n")


class Traffic(threading.Thread):
    """Sends one message after the other, and judges each as soon as it has arrived."""

    def __init__(self, mail):
        super().__init__()
        self._mail, self._over, self._began = mail, threading.Event(), time.monotonic()
        self.bad, self.signed = [], []

    def run(self):
        while not self._over.wait(0.2):
            subject = f"in transit {self._began} {len(self.signed)}"
            try:
                self._mail.submit(letters.plain(ALICE, BOB, subject))
                raw = self._mail.world.foreign.expect(BOB, subject)
                dkimpy = self._mail.world.signatures(raw)
                exim = [str(verdict) for verdict in letters.parsed(raw).get_all("X-DKIM-Verdict", [])]
                if len(dkimpy) != 2 or not all(dkimpy.values()) or [line.split()[0] for line in exim] != ["pass"] * 2:
                    self.bad.append((subject, dkimpy, exim))
                self.signed.append(frozenset(dkimpy))
            except Exception as error:  # a thread's own would be lost
                self.bad.append((subject, repr(error)))
                self.signed.append(frozenset())

    def stop(self):
        self._over.set()
        self.join()


@contextmanager
def traffic(mail):
    flow = Traffic(mail)
    flow.start()
    try:
        yield flow
        sent = len(flow.signed)
        mail.wait(lambda: len(flow.signed) > sent, "a message after all that")
    finally:
        flow.stop()
    assert flow.bad == []


@contextmanager
def deaf_name_server(dns):
    """One more for the domain, that does not say what it would show."""
    dns.set("example.org", "@ NS ns.example.net.\n@ NS ghost.example.org.\nghost A 203.0.113.250\n")
    try:
        yield
    finally:
        dns.set("example.org", "@ NS ns.example.net.\n")
        dns.remove("ghost.example.org", "A")


def keys(mail):
    """Each selector's state, as `smallmail dkim list` has it."""
    return {key["selector"]: key["state"] for key in listed(mail)}


def listed(mail):
    return json.loads(mail.smallmail("dkim list --json"))


def those(mail, state):
    return {selector for selector, its in keys(mail).items() if its == state}


def age(mail):
    """Two weeks pass for the keys that have left."""
    kept = json.loads(mail.machine.run(f"cat {FOLDER}/keys.json").stdout)
    for key in kept:
        assert key["state"] != "old" or key["left"], "Rspamd was seen to sign without it"
        key["left"] = key["left"] and key["left"] - 14 * 86400 - 1
    mail.machine.write(FOLDER + "/keys.json", json.dumps(kept))


def files(mail):
    return set(mail.machine.run(f"ls {FOLDER}").stdout.split())


def name_of(selector):
    return f"example.org.{selector}.key"


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def mail(request, deb, world, installed):
    if reason := roots.available(request.param):
        pytest.skip(reason)
    with MailHost(request.param, deb, world, installed=installed(request.param)) as host:
        yield host


def test_a_host_that_had_one_key_signs_on_and_gets_the_other(mail):
    mail.machine.run(AS_BEFORE)
    known = mail.machine.run(f"sha256sum {FOLDER}/*").stdout
    mail.world.dns.remove("dkim-ed25519._domainkey.example.org", "TXT")
    mail.machine.run("smallmail apply")
    assert keys(mail) == {"dkim": "signing", "dkim-ed25519": "next"}
    assert known in mail.machine.run(f"sha256sum {FOLDER}/*").stdout
    mail.machine.run(LOOK)
    assert keys(mail)["dkim-ed25519"] == "next", "its record is not there"
    assert "waiting for ns.example.net (203.0.113.1)" in mail.smallmail("dkim list")
    done = mail.machine.run("smallmail dns check", check=False)
    assert done.returncode == 0 and "Note: dkim-ed25519._domainkey.example.org: there is no DKIM key; its key does" \
        "\n  not sign until then" in done.stdout
    mail.publish()
    mail.machine.run(LOOK)
    assert keys(mail) == {"dkim": "signing", "dkim-ed25519": "signing"}
    assert "its key does" not in mail.machine.run("smallmail dns check").stdout


def test_rspamd_alone_reads_the_keys(mail):
    said = mail.machine.run(f"stat -c '%a %U %G' {FOLDER} {FOLDER}/*").stdout.splitlines()
    assert set(said) == {"750 root _rspamd", "640 root _rspamd"} and len(said) == 4
    def read_by(user):
        return mail.machine.run(f"setpriv --reuid={user} --regid={user} --init-groups cat"
                                f" {FOLDER}/example.org.dkim-ed25519.key", check=False)

    for user in ("postfix", "dovecot", "vmail"):
        assert read_by(user).returncode == 1
    assert read_by("_rspamd").stdout


def test_a_rotation_by_hand(mail, record):
    first = those(mail, "signing")
    with traffic(mail) as flow:
        said = mail.smallmail("dkim rotate")
        following = those(mail, "next")
        assert len(following) == 2 and those(mail, "signing") == first
        assert all(f"{selector}._domainkey.example.org. 3600 IN TXT" in said for selector in following)
        mail.machine.run(LOOK)
        mail.smallmail("dkim rotate")   # again, while it waits
        assert (those(mail, "signing"), those(mail, "next")) == (first, following)
        mail.publish()
        with deaf_name_server(mail.world.dns):
            mail.machine.run(LOOK)
            assert (those(mail, "signing"), those(mail, "next")) == (first, following)
            assert "next, waiting for ghost.example.org (203.0.113.250) does not answer" in mail.smallmail("dkim list")
        seconds, _ = mail.timed(lambda: mail.machine.run(LOOK))
        assert (those(mail, "signing"), those(mail, "old")) == (following, first)
        assert "not finished" in mail.smallmail("dkim rotate")
        assert those(mail, "signing") == following
        assert {name_of(selector) for selector in first} < files(mail), "the date has not come"
        age(mail)
        mail.machine.run(LOOK)
        assert not {name_of(selector) for selector in first} & files(mail)
        assert "old, to be deleted from DNS now" in mail.smallmail("dkim list")
        assert "dkim._domainkey.example.org" not in mail.smallmail("dns show")
        assert "Note: the DKIM record dkim._domainkey.example.org is no longer needed: delete it\n  from DNS" in \
            mail.machine.run("smallmail check dns", check=False).stdout
        for selector in first:
            mail.world.dns.remove(f"{selector}._domainkey.example.org", "TXT")
        mail.machine.run(LOOK)
        assert set(keys(mail)) == following
    assert set(flow.signed) == {frozenset(first), frozenset(following)}, "never a mixture"
    record(f"{len(flow.signed)} messages verified by both, the switch took {seconds:.1f} s")


def test_a_rotation_by_dynamic_updates(mail, record):
    mail.machine.write("/etc/smallmail/rfc2136.ini", RFC2136.format(GATEWAY, *mail.world.dns.key[::2]), 0o600)
    for selector in keys(mail):     # what was set by hand is not ours to take away later
        mail.world.dns.remove(f"{selector}._domainkey.example.org", "TXT")
    mail.smallmail("dns publish --yes")
    first = those(mail, "signing")
    with traffic(mail) as flow:
        seconds, said = mail.timed(lambda: mail.smallmail("dkim rotate"))
        following = those(mail, "signing")
        assert those(mail, "old") == first and "Set these records" not in said
        age(mail)
        mail.machine.run(LOOK)
        mail.machine.run(LOOK)
        assert set(keys(mail)) == following
        for selector in first:
            assert mail.world.dns.query(f"{selector}._domainkey.example.org", "TXT") == []
    assert mail.machine.run("smallmail dns publish").stdout.startswith("Nothing to do.")
    record(f"{len(flow.signed)} messages verified by both, one command took {seconds:.1f} s")


@pytest.mark.slow
def test_killed_anywhere_it_converges(mail, record):
    """By kill -9, later each time, until the command gets to its end."""
    kills, delay = 0, 0.1
    with traffic(mail) as flow:
        while mail.machine.run(f"timeout -s KILL {delay:.2f} smallmail dkim rotate --new",
                               check=False).returncode:
            kills, delay = kills + 1, delay * 1.25
            private = files(mail)
            assert all(name_of(selector) in private for selector in those(mail, "signing"))
        mail.machine.run(LOOK)
        assert sorted(key["kind"] for key in listed(mail) if key["state"] == "signing") == ["ed25519", "rsa"]
        assert those(mail, "next") == set()
    age(mail)
    mail.machine.run(f"{LOOK}; {LOOK}")
    assert len(keys(mail)) == 2
    assert files(mail) == {"keys.json", *map(name_of, keys(mail))}
    assert mail.machine.run("smallmail dns check").stdout.endswith("No problem found.\n")
    record(f"{kills} kills, {len(flow.signed)} messages verified by both")


def test_a_domain_comes_and_goes(mail):
    def states():
        return sorted(key["state"] for key in listed(mail) if key["domain"] == "example.com")

    mail.machine.run("smallmail domain add example.com")
    assert states() == ["next", "signing"]
    record = next(key for key in listed(mail) if key["domain"] == "example.com" and key["state"] == "next")
    mail.world.dns.set(
        ".", f"""{record["name"]}. CNAME key.example.net.\nkey.example.net. TXT "{record['value']}"\n""")
    mail.machine.run(LOOK)
    mail.world.dns.remove(record["name"], "CNAME")
    mail.world.dns.remove("key.example.net", "TXT")
    assert states() == ["signing", "signing"], "Rspamd was asked, for both domains"
    assert "until 20" in mail.machine.run("smallmail domain remove example.com").stdout
    assert "former DKIM key (RSA) of example.com" in mail.machine.run("smallmail dns show").stdout
    assert states() == ["old", "old"]
    mail.machine.run("smallmail domain add example.com")
    assert states() == ["next", "signing"], "the same keys: their records may be there still"
    assert len(files(mail)) == 5
