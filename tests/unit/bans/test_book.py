"""The list of bans, which is hostile to root that reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smallmail.bans import book, packets
from smallmail.bans.book import Ban
from smallmail.machine import state
from smallmail.machine.host import Host
from tests.unit.bans.conftest import BAN, NOW, put


def test_the_list_is_read_as_it_was_written(host: Host) -> None:
    bans = [BAN, BAN._replace(client="2001:db8:1:2::/64", level=3, names=[])]
    book.save(host, bans)
    assert list(book.load(host).values()) == bans
    assert book.in_force(bans, NOW) == bans
    assert book.in_force(bans, NOW + 3601) == []
    assert book.in_force(bans, NOW - 10 * 86400) == [], "the clock was set back"


@pytest.mark.parametrize("value", ["", "{", "[" * 100000, {}, [1, None, [], {}], [{"client": "10.0.0.0/8"}],
                                   [{"client": "0.0.0.0/0"}], [{"client": "::/0"}], [{"client": "1.2.3.4; flush"}],
                                   [{"client": ["1.2.3.4"]}], [{"client": "::ffff:1.2.3.4"}],
                                   [{"client": "1.2.3.4/32"}],
                                   [{"client": "2001:db8::/48"}], [{"client": "2001:db8::1"}], [{"client": ""}]])
def test_what_is_no_ban_is_left_out(host: Host, value: object) -> None:
    put(host, value)
    assert book.load(host) == {}
    assert packets.banned(host, NOW) == []


def test_hostile_values_are_harmless(host: Host) -> None:
    put(host, [{"client": "1.2.3.4", "since": "x", "until": 1 << 80, "level": True, "names": ["\x1b[2J", 5, "a" * 999],
                "tries": 1.5}])
    (ban,) = book.load(host).values()
    assert ban == Ban("1.2.3.4", 0, 0, 1, ["?[2J", "a" * 64], 0)


def test_only_clients_are_known(host: Host) -> None:
    """Root puts them into nftables, and another user writes the file."""
    known = Path(host.path(state.BANS_KNOWN))
    known.write_text(json.dumps(
        ["203.0.113.7", "2001:db8:1:2::/64", "203.0.113.0/24", "0.0.0.0/0", "}; flush ruleset", 5, ["x"], None]))
    assert book.known(host) == ["203.0.113.7", "2001:db8:1:2::/64"]
    known.write_text('{"203.0.113.7": 1}')
    assert book.known(host) == []
