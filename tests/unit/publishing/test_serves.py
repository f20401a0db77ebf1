"""Whether records that others wrote do the work of ours."""

from __future__ import annotations

import pytest

from smallmail.publishing import serves
from smallmail.publishing.dns_plan import Place
from tests.golden import zones

KEY, TLSA = "dkim._domainkey.example.com", "_25._tcp.mx.example.com"
OURS = "v=DKIM1; k=rsa; p=QQ=="

JUDGED = [
    ("A", "mx.example.com", "", ["203.0.113.210", "203.0.113.212"], ["203.0.113.210"], ""),
    ("A", "mx.example.com", "", ["203.0.113.212"], ["203.0.113.210"], "203.0.113.210 is missing"),
    ("A", "mx.example.com", "", ["192.0.2.1"], ["203.0.113.210"], "192.0.2.1 is not an address of this host"),
    ("AAAA", "mx.example.com", "", ["2001:db8:113:0::210"], ["2001:db8:113::210"], ""),
    ("SRV", "_imaps._tcp.example.com", "", ["5 0 993 MX.example.com."], ["0 1 993 mx.example.com."], ""),
    ("SRV", "_imaps._tcp.example.com", "", ["0 0 993 old.example.com."], ["0 1 993 mx.example.com."],
     "it does not point to mx.example.com. port 993"),
    ("SRV", "_imap._tcp.example.com", "", ["0 0 143 mx.example.com."], ["0 0 0 ."],
     "it offers this service, which this host does not have"),
    ("SRV", "_imap._tcp.example.com", "", ["1 1 1 ."], ["0 0 0 ."], ""),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1; rua=https://x.example"], ["v=TLSRPTv1; rua=y"], ""),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1"], ["v=TLSRPTv1; rua=y"],
     "it has no address for reports (rua=)"),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1; rua=a"] * 2, ["v=TLSRPTv1; rua=y"],
     "there are 2 TLSRPT records, so none of them counts"),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1; rua"], ["v=TLSRPTv1; rua=y"],
     "the record cannot be read: 'rua' is not of the form tag=value"),
    ("TXT", "_dmarc.example.com", "DMARC", ["v=DMARC1; p=reject"], ["v=DMARC1; p=none"], ""),
    ("TXT", "_dmarc.example.com", "DMARC", ["v=DMARC1"], ["v=DMARC1; p=none"], "it has no policy (p=)"),
    ("TXT", KEY, "DKIM", ["p=QQ=="], [OURS], ""),
    ("TXT", KEY, "DKIM", ["p=Qg=="], [OURS], "the published key is not the one that signs here"),
    ("TLSA", TLSA, "", ["3 1 1 bb"], ["3 1 1 aa"], "it lacks 3 1 1 aa"),
    ("MX", "example.com", "", [], ["10 mx.example.com."], ""),      # the zone is right, says `dns check`
]


@pytest.mark.parametrize(("kind", "name", "purpose", "values", "wanted", "trouble"), JUDGED)
def test_does_what_others_wrote_serve(kind: str, name: str, purpose: str, values: list[str], wanted: list[str],
                                      trouble: str) -> None:
    judge = serves.Judge(zones.wanted(), zones.asking(zones.text("correct-extras")), zones.healthy)
    assert judge.trouble(Place(name, kind, purpose), values, wanted) == trouble
