"""Zones to be judged by `smallmail dns check`: tests/golden/zones/NAME/zone, and beside it what is to be found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.rrset
import dns.zonefile

from smallmail import findings
from smallmail.zones import dns_check, dns_records
from smallmail.zones.answers import Answer, Unanswered, Zone, answer, value_text

FOLDER = Path(__file__).parent / "zones"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/zone"))
HOST, DOMAIN = "mx.example.com", "example.com"
ADDRESSES = ["203.0.113.210", "2001:db8:113::210"]
SECOND = "203.0.113.212"    # the host has this one, too, but mail does not leave from it
KEY = "v=DKIM1; k=rsa; p=" + (FOLDER / "dkim-key").read_text("ascii").strip()
DKIM = dns_records.Record(f"dkim._domainkey.{DOMAIN}", "TXT", KEY, "the key")
SIGNED = "note: example.com is signed (DNSSEC)"     # found in each of them, where it is
CHAIN = [(b"certificate", b"key"), (b"certificate above", b"key above")]

Ask = Callable[[str, str], Answer]


def wanted(relay: bool = False, addresses: list[str] | None = None) -> dns_check.Wanted:
    """What the host of all these zones wants there."""
    here = ADDRESSES if addresses is None else addresses
    needed = [*dns_records.records(HOST, [DOMAIN], here), DKIM, *dns_records.policies([DOMAIN])]
    return dns_check.Wanted(HOST, [DOMAIN], here, {*ADDRESSES, SECOND}.__contains__, needed, True, CHAIN, relay,
                           [], [])


def text(name: str) -> str:
    return (FOLDER / name / "zone").read_text("ascii")


def expected(name: str) -> list[str]:
    return (FOLDER / name / "expected").read_text("utf-8").splitlines()


def lines(found: list[findings.Finding]) -> list[str]:
    return [f"{finding.severity}: {finding.what}" for finding in found]


def rrsets(zone: str) -> list[dns.rrset.RRset]:
    """The records of a zone file's text."""
    return dns.zonefile.read_rrsets(zone, origin=".", rdclass=None, relativize=False, default_ttl=1)


def asking(zone: str) -> Ask:
    """Look-ups in that text, no name server between: aliases are followed, wildcards answer (RFC 4592)."""
    found = {(each.name, each.rdtype): each for each in rrsets(zone)}

    def ask(name: str, kind: str) -> Answer:
        full, wanted_type = dns.name.from_text(name), dns.rdatatype.from_text(kind)
        names = {each for each, _ in found}
        if not any(each.is_subdomain(full) for each in names):
            nearest = max((each.parent() for each in names if each.is_wild() and full.is_subdomain(each.parent())),
                          key=len, default=full)
            full = dns.name.from_text("*", nearest) if nearest != full else full
        if (full, wanted_type) in found:
            return answer([value_text(each) for each in found[full, wanted_type]])
        if (full, dns.rdatatype.CNAME) in found:
            target = value_text(found[full, dns.rdatatype.CNAME][0])
            return ask(target, kind)._replace(alias=target.rstrip("."))
        return answer([])

    return ask


def healthy(name: str) -> Zone:
    """A zone whose name servers do nothing wrong."""
    return Zone(DOMAIN, ["ns.example.net."], ["ns.example.net."], {}, False, False, "")


def signed(name: str) -> Zone:
    """One that proves what it says, too."""
    return healthy(name)._replace(ds=True, signed=True)


def silent(name: str, kind: str) -> Answer:
    raise Unanswered("no name server of example.com answers")
