"""`smallmail dns check` against real name servers: knot, signed from the root down, asked as the product asks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest

from smallmail.zones import dns_check
from smallmail.zones.answers import Server
from smallmail.zones.authority import Authority
from tests.golden import zones
from tests.lab import World
from tests.lab.dns import HEAD, RESOLVER
from tests.lab.network import inside
from tests.lab.world import CLIENT
from tests.support import checkdmarc
from tests.support.fixtures import Record, Tool
from tests.support.mail_host import MailHost

# As for a plain zone, where the differences between text and a server might show; the rest is in tests/golden.
REAL = [name for name in zones.NAMES if name.startswith(("correct-", "mx-", "dkim-", "host-", "ptr-"))]

SECOND = f"""
server:
    rundir: /run/second
    user: knot:knot
    listen: [ {CLIENT}@53 ]
database:
    storage: /var/lib/second
template:
  - id: default
    storage: /var/lib/second
    file: "%s.zone"
zone:
  - domain: sub.example.com
  - domain: example.com
  - domain: signed.example.com
    dnssec-signing: on
"""


@contextmanager
def published(world: World, text: str) -> Iterator[None]:
    """The records of a zone file, as long as the block lasts."""
    there = zones.rrsets(text)
    world.dns.set(".", text)
    try:
        yield
    finally:
        world.dns.remove_all((each.name.to_text(), dns.rdatatype.to_text(each.rdtype)) for each in there)


def checked(world: World, **patience: float) -> list[str]:
    """What a host on the client's network would find."""
    with inside(world.client.namespace):
        authority = Authority([zones.HOST, zones.DOMAIN], resolvers=[RESOLVER], **patience)
        return zones.lines(dns_check.judge(zones.wanted(), authority.ask, authority.zone))


def test_zones_on_a_real_server(world: World, record: Record) -> None:
    wrong, took = {}, []
    for name in REAL:
        with published(world, zones.text(name)):
            started = time.monotonic()
            found = checked(world)
            took.append(time.monotonic() - started)
        if found != [zones.SIGNED, *zones.expected(name)]:
            wrong[name] = found
    assert not wrong
    record(f"{len(took)} zones, the slowest check {max(took):.2f} s")


def test_the_resolver_learns_of_no_name_that_does_not_exist_yet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked while nothing is there, then published: the system's resolver finds it at once, within the second for
    which it would have kept a negative answer; nor was it asked anything about the domain."""
    asked, resolve = [], Authority._resolve

    def noted(authority: Authority, name: str, kind: str) -> Any:
        asked.append(name)
        return resolve(authority, name, kind)

    monkeypatch.setattr(Authority, "_resolve", noted)
    time.sleep(2)   # what other tests asked is forgotten
    assert "problem: mx.example.com has no address in DNS" in checked(world)
    with published(world, zones.text("correct-extras")):
        assert world.dns.query("mx.example.com", "A") == ["203.0.113.210"]
    assert "." in asked and not [name for name in asked if "example.com" in name]


@pytest.fixture(scope="module")
def second(world: World) -> None:
    """A second name server, on the client's network: for a zone of its own, and with other words on example.com."""
    world.chroot.write("/etc/knot/second.conf", SECOND)
    world.chroot.run("mkdir -p /run/second /var/lib/second && chown knot:knot /run/second /var/lib/second")
    world.chroot.write("/var/lib/second/sub.example.com.zone", HEAD + f"""
        @ NS client.example.net.
        @ NS gone.example.net.
        @ MX 10 mx.example.com.
        alias CNAME mx.example.com.
        long TXT {' '.join(['"' + "x" * 250 + '"'] * 8)}
        """.replace("\n        ", "\n"))
    world.chroot.write("/var/lib/second/signed.example.com.zone", HEAD + "@ NS client.example.net.\n")
    world.chroot.write("/var/lib/second/example.com.zone", HEAD + "@ NS ns.example.net.\n@ MX 10 old\n")

    def answers() -> bool:
        with inside(world.client.namespace), suppress(OSError, dns.exception.Timeout):
            said = dns.query.udp(dns.message.make_query("sub.example.com", "SOA"), CLIENT, timeout=1)
            return bool(said.answer)
        return False

    world.chroot.daemon("second", ["knotd", "-c", "/etc/knot/second.conf"], world.client.namespace, answers)


@pytest.mark.usefixtures("second")
def test_a_delegation_is_followed(world: World) -> None:
    with published(world, "sub.example.com. NS client.example.net.\nmx.example.com. A 203.0.113.210\n"), \
            inside(world.client.namespace):
        authority = Authority(["sub.example.com"], resolvers=[RESOLVER])
        zone = authority.zone("sub.example.com")
        assert (zone.name, zone.delegated) == ("sub.example.com", ["client.example.net."])
        assert zone.own == ["client.example.net.", "gone.example.net."]
        assert zone.troubles == {Server("gone.example.net.", ""): "has no address that this host can ask"}
        assert not zone.ds and not zone.signed
        assert authority.ask("sub.example.com", "MX").values == ["10 mx.example.com."]
        assert authority.ask("long.sub.example.com", "TXT").values == ["x" * 2000]     # by UDP it would be cut
        alias = authority.ask("alias.sub.example.com", "A")
        assert (alias.values, alias.alias) == (["203.0.113.210"], "mx.example.com")


@pytest.mark.usefixtures("second")
def test_what_the_zone_above_knows_of_signatures(world: World) -> None:
    """Nothing, the key that signs, or another: then the domain is dead for all who validate."""
    right = world.chroot.run("keymgr -c /etc/knot/second.conf signed.example.com ds").stdout.splitlines()
    wrong = [line[:-4] + ("0000" if not line.endswith("0000") else "1111") for line in right]
    found = []
    sha256: list[str] = [line for line in right if line.split()[4] == "2"]
    choices: list[list[str]] = [[], right, sha256, wrong]
    for ds in choices:
        with published(world, "\n".join(["signed.example.com. NS client.example.net.", *ds])), \
                inside(world.client.namespace):
            found.append(Authority(["signed.example.com"], resolvers=[RESOLVER]).zone("signed.example.com"))
    assert [(zone.ds, zone.signed, zone.broken) for zone in found] == [
        (False, True, ""), (True, True, ""), (True, True, ""),
        (True, True, "is not signed by a key that the zone above knows")]


@pytest.mark.usefixtures("second")
def test_name_servers_that_disagree_and_one_that_is_not_there(world: World) -> None:
    servers = "".join(f"example.com. NS {name}.\n" for name in ("ns.example.net", "client.example.net",
                                                                "ghost.example.com"))
    with published(world, zones.text("correct-extras") + "ghost.example.com. A 203.0.113.250\n"):
        world.dns.set("example.com", servers)
        try:
            found = checked(world)
        finally:
            world.dns.set("example.com", "example.com. NS ns.example.net.\n")
    assert any("name server ghost.example.com (203.0.113.250) of example.com " in line for line in found), found
    assert any("disagree on example.com MX" in line and "client.example.net (203.0.113.77) says 10 old.example.com."
               in line for line in found), found


def test_a_host_without_network_says_so_soon(world: World) -> None:
    with inside(world.client.namespace):
        authority = Authority([zones.HOST, zones.DOMAIN], resolvers=["203.0.113.253"])
        started = time.monotonic()
        found = zones.lines(dns_check.judge(zones.wanted(), authority.ask, authority.zone))
    assert time.monotonic() - started < 10
    assert found == ["problem: the system's resolver does not tell the addresses of the root's name servers"]



# Where checkdmarc 6 and we differ, and why we stay with it.
DIFFER = {
    "correct-spelling": "RFC 7208, 12 with RFC 5234, 2.3: V=SPF1 is as good as v=spf1",
    "dmarc-without-policy": "RFC 7489, 6.3 wants p=; checkdmarc goes by the successor, which reads its lack as p=none",
}


@pytest.mark.slow
def test_checkdmarc_agrees(world: World, tool: Tool, record: Record) -> None:
    """An independent judge: which SPF and DMARC records are valid, and how many hosts take mail."""
    differ = {}
    compared = [name for name in zones.NAMES if name.startswith(("spf-", "dmarc-", "correct-", "mx-missing"))]
    for name in compared:
        with published(world, zones.text(name)):
            said, found = checkdmarc.report(tool, world, "example.com"), "\n".join(zones.expected(name))
        ours = {"spf": "the SPF record of example.com is not valid" not in found and "has no SPF record" not in found,
                "dmarc": "_dmarc.example.com: " not in found, "mx": "has no MX" not in found}
        theirs = {"spf": said["spf"]["valid"], "dmarc": said["dmarc"]["valid"], "mx": bool(said["mx"]["hosts"])}
        if ours != theirs:
            differ[name] = (ours, theirs, said["spf"].get("error"), said["dmarc"].get("error"))
        time.sleep(1)   # what its resolver remembers of this zone is forgotten
    assert set(differ) == set(DIFFER), differ
    record(f"{len(compared)} zones")


def test_the_verbs_on_a_host(host: MailHost) -> None:
    """As an admin types them: clean when all is published, then a record is gone."""
    run = host.machine.run
    done = run("smallmail dns check", check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "No problem found."), done.stdout
    plain = run("smallmail dns show --plain").stdout
    assert "name:     dkim._domainkey\ntype:     TXT\nvalue:    v=DKIM1; k=rsa; p=" in plain
    host.world.dns.remove("_dmarc.example.org", "TXT")
    try:
        done = run("smallmail dns check --json", check=False)
    finally:
        host.publish()
    assert done.returncode == 1
    found = [each for each in json.loads(done.stdout) if each["severity"] == "problem"]
    assert [each["what"] for each in found] == ["_dmarc.example.org: there is no DMARC record"]
    assert found[0]["type"].startswith('_dmarc.example.org. 3600 IN TXT "v=DMARC1;')
    refused = run("smallmail dns check example.net", check=False)
    assert refused.returncode == 2 and "example.net is not a mail domain of this host" in refused.stderr
