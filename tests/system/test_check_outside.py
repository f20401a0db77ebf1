"""`smallmail check` looks outside of the host: block lists, firewalls, the network, the clock."""

from __future__ import annotations

import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import World, roots
from tests.lab.network import inside
from tests.lab.world import CLIENT
from tests.support import internet
from tests.support.checks import checked
from tests.support.fixtures import Record
from tests.support.mail_host import ADDRESS, MailHost

pytestmark = pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
REVERSED = ".".join(reversed(ADDRESS.split(".")))


@pytest.fixture(autouse=True)
def outside(world: World) -> None:
    world.dns.set(".", internet.RECORDS)


def test_block_lists(host: MailHost) -> None:
    dns = host.world.dns
    listed, twin = f"{REVERSED}.zen.spamhaus.org", f"{REVERSED}.psbl.surriel.com"
    dns.set(".", f"{listed}. A 127.0.0.10\n{twin}. A 127.0.0.2\nexample.org.dbl.spamhaus.org. A 127.0.1.2\n")
    try:
        done = host.machine.run("smallmail check reputation", check=False)
        assert done.returncode == 1
        for sentence in (f"Problem: {ADDRESS} is on the block list Spamhaus ZEN\n  PBL: this is not an accusation.",
                         f"Problem: {ADDRESS} is on the block list PSBL\n", "https://psbl.org/remove",
                         "Problem: example.org is on the block list Spamhaus DBL"):
            assert sentence in done.stdout
        dns.set(".", "2.0.0.127.zen.spamhaus.org. A 127.255.255.254\n")     # whom it refuses, it says nothing else
        found, _ = checked(host, "reputation")
        assert "Spamhaus ZEN does not answer public resolvers (asked by 203.0.113.53)" in found
        assert f"{ADDRESS} is on the block list Spamhaus ZEN" not in found
        dns.set(".", "1.0.0.127.psbl.surriel.com. A 127.0.0.2\n")   # a list that lists the world
        assert not [what for what in checked(host, "reputation")[0] if "PSBL" in what]
    finally:
        for name in (listed, twin, "example.org.dbl.spamhaus.org", "1.0.0.127.psbl.surriel.com"):
            dns.remove(name, "A")
        dns.set(".", internet.RECORDS)
    assert checked(host, "reputation") == ([], 0)


@pytest.fixture
def nft(host: MailHost, suite: str) -> Iterator[None]:
    """nftables on the machine."""
    command = ["apt-get", "-y", "--download-only", "--no-install-recommends", "install", "nftables"]
    layers = roots.upon_base(suite, "nftables", command)
    for deb in sorted((layers[0] / "var/cache/apt/archives").glob("*.deb")):
        host.machine.write(f"/root/nft/{deb.name}", deb.read_bytes())
    host.machine.run("dpkg -i /root/nft/*.deb")
    yield
    host.machine.run("nft flush ruleset; dpkg --purge nftables")


@pytest.mark.slow
@pytest.mark.usefixtures("nft")
def test_firewalls(host: MailHost, record: Record) -> None:
    run = host.machine.run
    run("nft 'table inet t { chain out { type filter hook output priority 0; tcp dport 25 oif eth0 drop; }; }'")
    started = time.monotonic()
    found, _ = checked(host, "ports")
    record(f"port 25 outbound dropped: found in {time.monotonic() - started:.1f} s")
    assert found == [f"mail is not sent over {family}: connections to port 25 of other servers do not get through"
                     for family in ("IPv4", "IPv6")]
    run("nft flush ruleset; nft 'table inet t { chain in { type filter hook input priority 0; policy drop;"
        " ct state established accept; iif lo accept; tcp dport { 22, 25, 465, 993 } accept; }; }'")
    assert checked(host, "ports")[0] == ["the firewall on this host does not let anyone in on port 587, 4190"]
    # The network is dead: nothing is accused that cannot be known, and it ends.
    run("nft flush ruleset; nft 'table inet t { chain out { type filter hook output priority 0; oif eth0 drop; }; }'")
    started = time.monotonic()
    done = run("smallmail check", check=False)
    record(f"check with a dead network: {time.monotonic() - started:.1f} s")
    run("nft flush ruleset")
    assert done.returncode == 0, done.stdout
    assert "Not checked: the DNS servers (neither 203.0.113.53 nor any root server answers)" in done.stdout
    assert checked(host)[0] == []


@pytest.mark.slow
def test_a_network_that_is_not_there(host: MailHost) -> None:
    run = host.machine.run
    run("ip link set eth0 down")
    try:
        done = run("smallmail check", check=False)
    finally:
        run("ip link set eth0 up; ip address add 2001:db8:113::10/64 dev eth0 nodad 2>/dev/null;"
            " ip route replace default via 203.0.113.1; ip -6 route replace default via 2001:db8:113::1")
    assert done.returncode == 0, done.stdout
    assert checked(host)[0] == []


def test_the_clock(host: MailHost) -> None:
    host.world.dns.set(".", f"2.debian.pool.ntp.org. A {CLIENT}\n")
    try:
        for off, expected in ((3600.0, ["the clock is wrong"]), (1.0, [])):
            with _time_server(host.world, off):
                assert checked(host, "host")[0] == expected
    finally:
        host.world.dns.remove("2.debian.pool.ntp.org", "A")


@contextmanager
def _time_server(world: World, off: float) -> Iterator[None]:
    """A time server (RFC 5905) whose clock is so many seconds ahead. It answers as often as it is asked: the host's own
    daily check may ask, too."""
    class Answer(socketserver.DatagramRequestHandler):
        def handle(self) -> None:
            now = time.time() + off + 2208988800
            self.wfile.write(bytes([0x24, 2]) + bytes(38) + struct.pack("!II", int(now), int(now % 1 * 2 ** 32)))

    with inside(world.client.namespace):
        server = socketserver.UDPServer((CLIENT, 123), Answer)
    with server:
        threading.Thread(target=server.serve_forever, args=(0.1,)).start()
        try:
            yield
        finally:
            server.shutdown()
