"""The walk from the root to a zone's own name servers; tests/system/test_dns_check.py asks real ones."""

from __future__ import annotations

from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest

from smallmail.machine import addresses
from smallmail.zones import authority
from smallmail.zones.answers import Server, Unanswered

_ROOT, _NET = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def only_the_root_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {(".", "NS"): ["a.root."], ("a.root.", "A"): [_ROOT]}
    monkeypatch.setattr(addresses, "leaving", lambda kind: "192.0.2.9" if kind == "A" else "")
    monkeypatch.setattr(authority.Authority, "_resolve", lambda self, name, kind: known.get((name, kind), []))


def _serve(monkeypatch: pytest.MonkeyPatch, delegations: dict[str, list[Any]],
           zones: dict[str, list[tuple[str, list[Any]]]]) -> None:
    """The root delegates; `zones`: by server's address, each with its name and its records."""
    def exchange(address: str, name: dns.name.Name, kind: str, _timeout: float) -> dns.message.Message:
        said = dns.message.make_response(dns.message.make_query(name, kind))
        if address == _ROOT:
            below = next(zone for zone in delegations if name.to_text().endswith(zone))
            said.authority = [dns.rrset.from_text(below, 1, "IN", "NS", delegations[below][0])]
            said.additional = [dns.rrset.from_text(*record) for record in delegations[below][1:]]
            return said
        zone, records = next(zone for zone in zones[address] if name.to_text().endswith(zone[0]))
        said.flags |= dns.flags.AA
        said.answer = [found for found in (dns.rrset.from_text(*record) for record in records)
                       if found.name == name and dns.rdatatype.to_text(found.rdtype) == kind]
        if not said.answer:
            said.authority = [dns.rrset.from_text(zone, 1, "IN", "SOA", "ns. admin. 1 1 1 1 1")]
        return said

    monkeypatch.setattr(authority, "_exchange", exchange)


def test_a_zone_whose_name_server_is_named_in_another_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zone above need not say that server's address."""
    glue = ("ns.example.net.", 1, "IN", "A", _NET)
    _serve(monkeypatch, {"example.org.": ["ns.example.net."], "example.net.": ["ns.example.net.", glue]},
           {_NET: [("example.net.", [glue]),
                   ("example.org.", [("example.org.", 1, "IN", "MX", "10 mx.example.org.")])]})
    asked = authority.Authority(["example.org", "example.net"]).ask("example.org", "MX")
    assert asked.said == {Server("ns.example.net.", _NET): ["10 mx.example.org."]}


def test_zones_whose_name_servers_are_named_in_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says an address: the search ends."""
    _serve(monkeypatch, {"example.org.": ["ns.example.net."], "example.net.": ["ns.example.org."]}, {})
    with pytest.raises(Unanswered, match="none has an address"):
        authority.Authority(["example.org", "example.net"]).ask("example.org", "MX")
