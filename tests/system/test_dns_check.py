"""`smallmail dns check` against real name servers: knot, signed from the root down, asked as the product asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dns.rdatatype

from smallmail import dnscheck
from smallmail.authority import Authority
from tests.golden import zones
from tests.lab.dns import RESOLVER
from tests.lab.network import inside

SIGNED = "note: example.com is signed (DNSSEC)"
# As for a plain zone, where the differences between text and a server might show; the rest is in tests/golden.
REAL = [name for name in zones.NAMES if name.startswith(("correct-", "mx-", "dkim-", "host-", "ptr-"))]


@contextmanager
def published(world, text: str) -> Iterator[None]:
    """The records of a zone file, as long as the block lasts."""
    there = zones.rrsets(text)
    world.dns.set(".", text)
    try:
        yield
    finally:
        for each in there:
            world.dns.remove(each.name.to_text(), dns.rdatatype.to_text(each.rdtype))


def checked(world, **patience: float) -> list[str]:
    """What a host on the client's network would find."""
    with inside(world.client.namespace):
        authority = Authority([zones.HOST, zones.DOMAIN], resolvers=[RESOLVER], **patience)
        return zones.lines(dnscheck.findings(zones.wanted(), authority.ask, authority.zone))


def test_zones_on_a_real_server(world, record):
    wrong, took = {}, []
    for name in REAL:
        with published(world, zones.text(name)):
            started = time.monotonic()
            found = checked(world)
            took.append(time.monotonic() - started)
        if found != [SIGNED, *zones.expected(name)]:
            wrong[name] = found
    assert not wrong
    record(f"{len(took)} zones, the slowest check {max(took):.2f} s")


def test_the_resolver_learns_of_no_name_that_does_not_exist_yet(world, monkeypatch):
    """Checked while nothing is there, then published: the system's resolver finds it at once, within the second for
    which it would have kept a negative answer; nor was it asked anything about the domain."""
    asked, resolve = [], Authority._resolve
    monkeypatch.setattr(Authority, "_resolve", lambda self, name, kind: asked.append(name) or resolve(self, name, kind))
    time.sleep(2)   # what other tests asked is forgotten
    assert "problem: mx.example.com has no address in DNS" in checked(world)
    with published(world, zones.text("correct-extras")):
        assert world.dns.query("mx.example.com", "A") == ["203.0.113.210"]
    assert "." in asked and not [name for name in asked if "example.com" in name]


def test_a_name_server_that_does_not_serve(world):
    lame = "example.com. NS ns.example.net.\nexample.com. NS client.example.net.\n"
    with published(world, zones.text("correct-extras")):
        world.dns.set("example.com", lame)
        try:
            found = checked(world)
        finally:
            world.dns.set("example.com", "example.com. NS ns.example.net.\n")
    assert any("name server client.example.net (203.0.113.77) of example.com does not answer" in line
               for line in found), found
    assert any("names other name servers for example.com" in line for line in found), found


def test_a_host_without_network_says_so_soon(world):
    with inside(world.client.namespace):
        authority = Authority([zones.HOST, zones.DOMAIN], resolvers=["203.0.113.253"])
        started = time.monotonic()
        found = zones.lines(dnscheck.findings(zones.wanted(), authority.ask, authority.zone))
    assert time.monotonic() - started < 90
    assert any("resolver does not say where the root's name servers are" in line for line in found), found

