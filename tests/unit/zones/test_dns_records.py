"""The records that we tell people to set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dns.zonefile as dns_zonefile
import pytest

from smallmail.daemons import listening
from smallmail.zones import dns_records

LONG = "v=DKIM1; k=rsa; p=" + "A" * 392


def made(**changes: Any) -> list[dns_records.Record]:
    values: dict[str, Any] = {
        "hostname": "mx.example.org", "domains": ["example.org"], "addresses": ["203.0.113.10", "2001:db8::10"]}
    values.update(changes)
    key = dns_records.Record("dkim._domainkey.example.org", "TXT", LONG, "the key")
    found = [*dns_records.records(**values), key, *dns_records.policies(values["domains"])]
    return dns_records.grouped(found, values["hostname"], values["domains"])


def helpful(hostname: str = "mx.example.org", domains: Iterable[str] = ("example.org",),
            certificate: str = "letsencrypt") -> list[dns_records.Record]:
    return list(dns_records.helpful(hostname, list(domains), certificate, listening.SRV))


def test_all_that_a_domain_needs() -> None:
    assert [(record.name, record.type) for record in made()] == [
        ("mx.example.org", "A"), ("mx.example.org", "AAAA"), ("mx.example.org", "TXT"), ("example.org", "MX"),
        ("example.org", "TXT"), ("dkim._domainkey.example.org", "TXT"), ("_dmarc.example.org", "TXT")]


def test_long_txt_is_split_into_strings_that_join_to_the_value() -> None:
    line = next(line for line in dns_records.zone_text(made()).splitlines() if line.startswith("dkim."))
    parts = line.split('"')[1::2]
    assert "".join(parts) == LONG
    assert all(len(part) <= 255 for part in parts) and len(parts) == 2


def test_one_spf_record_where_the_host_is_the_domain() -> None:
    records = made(hostname="example.org")
    assert [record.value for record in records if record.value.startswith("v=spf1")] == ["v=spf1 a -all"]


def test_behind_a_relay_spf_ends_softly() -> None:
    assert {record.value[-4:] for record in made(relayhost="[smtp.example.net]") if "spf1" in record.value} == {"~all"}


def test_an_address_that_the_host_cannot_know_is_a_comment() -> None:
    lines = dns_records.zone_text(made(addresses=[])).splitlines()
    assert "; mx.example.org. 3600 IN A " in lines


def test_what_is_good_to_have() -> None:
    assert [(record.name, record.type, record.value) for record in helpful()] == [
        ("mx.example.org", "CAA", '0 issue "letsencrypt.org"'),
        ("_smtp._tls.example.org", "TXT", "v=TLSRPTv1; rua=mailto:postmaster@example.org"),
        ("_submissions._tcp.example.org", "SRV", "0 1 465 mx.example.org."),
        ("_submission._tcp.example.org", "SRV", "0 1 587 mx.example.org."),
        ("_imaps._tcp.example.org", "SRV", "0 1 993 mx.example.org."),
        ("_sieve._tcp.example.org", "SRV", "0 1 4190 mx.example.org."),
        ("_imap._tcp.example.org", "SRV", "0 0 0 ."),
        ("_pop3._tcp.example.org", "SRV", "0 0 0 ."),
        ("_pop3s._tcp.example.org", "SRV", "0 0 0 ."),
    ]
    assert "CAA" not in [record.type for record in helpful(domains=[], certificate="files")]
    assert "CAA" not in [record.type for record in helpful(hostname="example.org")]


def test_every_line_is_a_zone_file_s() -> None:
    text = dns_records.zone_text(made() + helpful())
    parsed = dns_zonefile.read_rrsets(text, rdclass=None, relativize=False)
    assert sum(len(rrset) for rrset in parsed) == len(text.splitlines()) / 2 == 16
    long = next(rrset[0] for rrset in parsed if rrset.name.to_text().startswith("dkim."))
    assert b"".join(long.strings).decode() == LONG


@pytest.mark.parametrize(("name", "kind", "value", "fields"), [
    ("example.org", "MX", "10 mx.example.org.",
     {"zone": "example.org", "name": "@", "type": "MX", "priority": "10", "value": "mx.example.org"}),
    ("a.sub.example.org", "A", "203.0.113.1", {"zone": "sub.example.org", "name": "a", "type": "A",
                                               "value": "203.0.113.1"}),
    ("dkim._domainkey.example.org", "TXT", LONG,
     {"zone": "example.org", "name": "dkim._domainkey", "type": "TXT", "value": LONG}),
    ("_imaps._tcp.example.org", "SRV", "0 1 993 mx.example.org.",
     {"zone": "example.org", "name": "_imaps._tcp", "type": "SRV", "priority": "0", "weight": "1", "port": "993",
      "value": "mx.example.org"}),
    ("_pop3._tcp.example.org", "SRV", "0 0 0 .",
     {"zone": "example.org", "name": "_pop3._tcp", "type": "SRV", "priority": "0", "weight": "0", "port": "0",
      "value": "."}),
    ("mx.example.net", "CAA", '0 issue "letsencrypt.org"',
     {"zone": "", "name": "mx.example.net", "type": "CAA", "flags": "0", "tag": "issue", "value": "letsencrypt.org"}),
    ("notexample.org", "A", "", {"zone": "", "name": "notexample.org", "type": "A", "value": ""}),
])
def test_fields_of_a_web_form(name: str, kind: str, value: str, fields: dict[str, str]) -> None:
    assert dns_records.plain(dns_records.Record(name, kind, value, ""), ["example.org", "sub.example.org"]) == fields


def test_plain_text_has_no_quotes() -> None:
    text = dns_records.plain_text(made(), ["example.org"])
    assert '"' not in text and "name:     dkim._domainkey\n" in text and "value:    " + LONG + "\n" in text
