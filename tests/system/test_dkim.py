"""A rotation of DKIM keys, with DNS set by hand and by dynamic updates, cut off and repeated: every message sent
meanwhile has two signatures, and the foreign Exim and dkimpy find both right."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab import World, roots
from tests.lab.dns import Dns
from tests.support import rfc2136
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import MailHost
from tests.support.traffic import traffic

FOLDER = "/var/lib/smallmail/dkim"
LOOK = "systemctl start smallmail-dkim.service"
# As dpkg left it on a host that had 0.2: one key, and nothing known of it.
AS_BEFORE = ("systemctl stop smallmail-dkim.timer;"
             f" rm {FOLDER}/keys.json {FOLDER}/*ed25519.key /var/lib/smallmail/dkim*;"
             f" echo {FOLDER}/example.org.dkim.key >/var/lib/smallmail/dkim-keys")


@contextmanager
def deaf_name_server(dns: Dns) -> Iterator[None]:
    """One more for the domain, that does not say what it would show."""
    dns.set("example.org", "@ NS ns.example.net.\n@ NS ghost.example.org.\nghost A 203.0.113.250\n")
    try:
        yield
    finally:
        dns.set("example.org", "@ NS ns.example.net.\n")
        dns.remove("ghost.example.org", "A")


def keys(host: MailHost) -> dict[str, str]:
    """Each selector's state, as `smallmail dkim list` has it."""
    return {key["selector"]: key["state"] for key in listed(host)}


def listed(host: MailHost) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(host.smallmail("dkim list --json"))
    return found


def those(host: MailHost, state: str) -> set[str]:
    return {selector for selector, its in keys(host).items() if its == state}


def age(host: MailHost) -> None:
    """Two weeks pass for the keys that have left."""
    kept = json.loads(host.machine.run(f"cat {FOLDER}/keys.json").stdout)
    for key in kept:
        assert key["state"] != "old" or key["left"], "Rspamd was seen to sign without it"
        key["left"] = key["left"] and key["left"] - 14 * 86400 - 1
    host.machine.write(FOLDER + "/keys.json", json.dumps(kept))


def files(host: MailHost) -> set[str]:
    return set(host.machine.run(f"ls {FOLDER}").stdout.split())


def name_of(selector: str) -> str:
    return f"example.org.{selector}.key"


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def host(request: pytest.FixtureRequest, deb: Path, world: World, installed: Installed) -> Iterator[MailHost]:
    if reason := roots.available(request.param):
        pytest.skip(reason)
    with MailHost(request.param, deb, world, installed=installed(request.param)) as host:
        yield host


def test_a_host_that_had_one_key_signs_on_and_gets_the_other(host: MailHost) -> None:
    host.machine.run(AS_BEFORE)
    known = host.machine.run(f"sha256sum {FOLDER}/*").stdout
    host.world.dns.remove("dkim-ed25519._domainkey.example.org", "TXT")
    host.machine.run("smallmail apply")
    assert keys(host) == {"dkim": "signing", "dkim-ed25519": "next"}
    assert known in host.machine.run(f"sha256sum {FOLDER}/*").stdout
    host.machine.run(LOOK)
    assert keys(host)["dkim-ed25519"] == "next", "its record is not there"
    assert "waiting for ns.example.net (203.0.113.1)" in host.smallmail("dkim list")
    done = host.machine.run("smallmail dns check", check=False)
    assert done.returncode == 0 and "Note: dkim-ed25519._domainkey.example.org: there is no DKIM key; its key does" \
        "\n  not sign until then" in done.stdout
    host.publish()
    host.machine.run(LOOK)
    assert keys(host) == {"dkim": "signing", "dkim-ed25519": "signing"}
    assert "its key does" not in host.machine.run("smallmail dns check").stdout


def test_rspamd_alone_reads_the_keys(host: MailHost) -> None:
    said = host.machine.run(f"stat -c '%a %U %G' {FOLDER} {FOLDER}/*").stdout.splitlines()
    assert set(said) == {"750 root _rspamd", "640 root _rspamd"} and len(said) == 4
    def read_by(user: str) -> subprocess.CompletedProcess[str]:
        return host.machine.run(f"setpriv --reuid={user} --regid={user} --init-groups cat"
                                f" {FOLDER}/example.org.dkim-ed25519.key", check=False)

    for user in ("postfix", "dovecot", "vmail"):
        assert read_by(user).returncode == 1
    assert read_by("_rspamd").stdout


def test_a_rotation_by_hand(host: MailHost, record: Record) -> None:
    first = those(host, "signing")
    with traffic(host) as flow:
        said = host.smallmail("dkim rotate")
        following = those(host, "next")
        assert len(following) == 2 and those(host, "signing") == first
        assert all(f"{selector}._domainkey.example.org. 3600 IN TXT" in said for selector in following)
        host.machine.run(LOOK)
        host.smallmail("dkim rotate")   # again, while it waits
        assert (those(host, "signing"), those(host, "next")) == (first, following)
        host.publish()
        with deaf_name_server(host.world.dns):
            host.machine.run(LOOK)
            assert (those(host, "signing"), those(host, "next")) == (first, following)
            assert "next, waiting for ghost.example.org (203.0.113.250) does not answer" in host.smallmail("dkim list")
        seconds, _ = host.timed(lambda: host.machine.run(LOOK))
        assert (those(host, "signing"), those(host, "old")) == (following, first)
        assert "not finished" in host.smallmail("dkim rotate")
        assert those(host, "signing") == following
        assert {name_of(selector) for selector in first} < files(host), "the date has not come"
        age(host)
        host.machine.run(LOOK)
        assert not {name_of(selector) for selector in first} & files(host)
        assert "old, to be deleted from DNS now" in host.smallmail("dkim list")
        assert "dkim._domainkey.example.org" not in host.smallmail("dns show")
        assert "Note: the DKIM record dkim._domainkey.example.org is no longer needed: delete it\n  from DNS" in \
            host.machine.run("smallmail check dns", check=False).stdout
        for selector in first:
            host.world.dns.remove(f"{selector}._domainkey.example.org", "TXT")
        host.machine.run(LOOK)
        assert set(keys(host)) == following
    assert set(flow.signed) == {frozenset(first), frozenset(following)}, "never a mixture"
    record(f"{len(flow.signed)} messages verified by both, the switch took {seconds:.1f} s")


def test_a_rotation_by_dynamic_updates(host: MailHost, record: Record) -> None:
    name, _, secret = host.world.dns.key
    host.machine.write("/etc/smallmail/rfc2136.ini", rfc2136.section(secret, key=f"{name}."), 0o600)
    for selector in keys(host):     # what was set by hand is not ours to take away later
        host.world.dns.remove(f"{selector}._domainkey.example.org", "TXT")
    host.smallmail("dns publish --yes")
    first = those(host, "signing")
    with traffic(host) as flow:
        seconds, said = host.timed(lambda: host.smallmail("dkim rotate"))
        following = those(host, "signing")
        assert those(host, "old") == first and "Set these records" not in said
        age(host)
        host.machine.run(LOOK)
        host.machine.run(LOOK)
        assert set(keys(host)) == following
        for selector in first:
            assert host.world.dns.query(f"{selector}._domainkey.example.org", "TXT") == []
    assert host.machine.run("smallmail dns publish").stdout.startswith("Nothing to do.")
    record(f"{len(flow.signed)} messages verified by both, one command took {seconds:.1f} s")


@pytest.mark.slow
def test_killed_anywhere_it_converges(host: MailHost, record: Record) -> None:
    """By kill -9, later each time, until the command gets to its end."""
    kills, delay = 0, 0.1
    with traffic(host) as flow:
        while host.machine.run(f"timeout -s KILL {delay:.2f} smallmail dkim rotate --new",
                               check=False).returncode:
            kills, delay = kills + 1, delay * 1.25
            private = files(host)
            assert all(name_of(selector) in private for selector in those(host, "signing"))
        host.machine.run(LOOK)
        assert sorted(key["kind"] for key in listed(host) if key["state"] == "signing") == ["ed25519", "rsa"]
        assert those(host, "next") == set()
    age(host)
    host.machine.run(f"{LOOK}; {LOOK}")
    assert len(keys(host)) == 2
    assert files(host) == {"keys.json", *map(name_of, keys(host))}
    assert host.machine.run("smallmail dns check").stdout.endswith("No problem found.\n")
    record(f"{kills} kills, {len(flow.signed)} messages verified by both")


def test_a_domain_comes_and_goes(host: MailHost) -> None:
    def states() -> list[str]:
        return sorted(key["state"] for key in listed(host) if key["domain"] == "example.com")

    host.machine.run("smallmail domain add example.com")
    assert states() == ["next", "signing"]
    record = next(key for key in listed(host) if key["domain"] == "example.com" and key["state"] == "next")
    host.world.dns.set(
        ".", f"""{record["name"]}. CNAME key.example.net.\nkey.example.net. TXT "{record['value']}"\n""")
    host.machine.run(LOOK)
    host.world.dns.remove(record["name"], "CNAME")
    host.world.dns.remove("key.example.net", "TXT")
    assert states() == ["signing", "signing"], "Rspamd was asked, for both domains"
    assert "until 20" in host.machine.run("smallmail domain remove example.com").stdout
    assert "former DKIM key (RSA) of example.com" in host.machine.run("smallmail dns show").stdout
    assert states() == ["old", "old"]
    host.machine.run("smallmail domain add example.com")
    assert states() == ["next", "signing"], "the same keys: their records may be there still"
    assert len(files(host)) == 5
