"""What the golden zones can't show: name servers that fail, hosts behind NAT or a relay, and how findings read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smallmail import findings
from smallmail.zones import dns_check, meaning
from smallmail.zones.answers import Answer, Server, Unanswered, Zone
from tests.golden import zones

A, B, NS = Server("a", "192.0.2.1"), Server("b", "192.0.2.2"), Server("ns", "192.0.2.1")
GOOD = zones.asking(zones.text("correct-extras"))


def found(ask: zones.Ask = GOOD, zone: Callable[[str], Zone] = zones.healthy, **wanted: Any) -> list[str]:
    return zones.lines(dns_check.judge(zones.wanted(**wanted), ask, zone))


def served(**changes: Any) -> Callable[[str], Zone]:
    return lambda name: zones.healthy(name)._replace(**changes)


def test_silence_is_said_once() -> None:
    def no_zone(name: str) -> Zone:
        raise Unanswered("no name server of example.com answers")
    assert found(zones.silent, no_zone) == ["problem: no name server of example.com answers"]


def test_a_domain_that_nobody_registered() -> None:
    """All else that is missing follows from it, and is not told."""
    pointers = "\n".join(line for line in zones.text("correct-extras").splitlines() if " PTR " in line)
    for ask in (GOOD, zones.asking(pointers)):
        lines = found(ask, zone=lambda name: zones.healthy(name)._replace(name="com"))
        assert lines == ["problem: example.com has no name servers"]


def test_one_domain_of_two_that_nobody_registered() -> None:
    def zone(name: str) -> Zone:
        return zones.healthy(name)._replace(name="org" if name.endswith(".org") else "example.com")

    both = zones.wanted()._replace(domains=["example.com", "example.org"])
    lines = zones.lines(dns_check.judge(both, GOOD, zone))
    assert [line for line in lines if line.startswith("problem")] == ["problem: example.org has no name servers"]


def test_servers_that_disagree() -> None:
    def ask(name: str, kind: str) -> Answer:
        answer = GOOD(name, kind)
        if (name, kind) == ("example.com", "MX"):
            return answer._replace(said={A: answer.values, B: []})
        return answer._replace(said={A: answer.values, B: answer.values})
    assert found(ask) == ["problem: the name servers disagree on example.com MX: a (192.0.2.1) says"
                          " 10 mx.example.com., 50 backup.example.com.; b (192.0.2.2) says nothing"]


@pytest.mark.parametrize(("changes", "line"), [
    ({"troubles": {NS: "does not answer"}},
     "problem: name server ns (192.0.2.1) of example.com does not answer"),
    ({"troubles": {NS: "does not answer"}, "own": [], "ds": True},    # not: take the DS record out
     "problem: name server ns (192.0.2.1) of example.com does not answer"),
    ({"own": ["ns.example.net.", "new.example.net."]}, "problem: the zone above names other name servers for "
     "example.com (ns.example.net.) than the zone itself (ns.example.net., new.example.net.)"),
    ({"ds": True}, "problem: example.com is not signed, but the zone above says that it is signed (DS)"),
    ({"ds": True, "signed": True, "broken": "has signatures that have expired"}, "problem: example.com has signatures"
     " that have expired, but the zone above says that it is signed (DS)"),
    ({"ds": True, "signed": True}, "note: example.com is signed (DNSSEC)"),
    ({"signed": True}, "note: example.com is signed, but cannot be verified: the zone above has no DS record"),
])
def test_zone(changes: dict[str, Any], line: str) -> None:
    assert found(zone=served(**changes)) == [line]


def test_behind_nat_dns_says_where_the_host_is() -> None:
    lines = found(addresses=[])
    assert len(lines) == 1 and lines[0].startswith(
        "note: this host does not see a public address of its own (NAT): 203.0.113.210 and 2001:db8:113::210 in DNS")
    without = zones.asking(zones.text("spf-names-other-hosts"))
    assert any("the SPF record of example.com does not allow this host's addresses 203.0.113.210" in line
               for line in found(without, addresses=[]))


def test_behind_nat_for_ipv4_alone() -> None:
    assert found(addresses=["2001:db8:113::210"]) == [
        "note: this host does not see a public address of its own (NAT): 203.0.113.210 in DNS; whether mail sent"
        " there arrives here cannot be seen from here"]


def test_an_old_ipv6_address_is_found_on_a_host_without_ipv6() -> None:
    old = zones.asking(zones.text("host-without-aaaa") + "mx.example.com. AAAA 2001:db8:113::99\n")
    assert found(old, addresses=["203.0.113.210"]) == [
        "problem: mx.example.com has the address 2001:db8:113::99 in DNS, which is not an address of this host"]


def test_behind_a_relay_spf_and_reverse_names_are_the_relay_s() -> None:
    for name in ("spf-names-other-hosts", "ptr-missing"):
        assert found(zones.asking(zones.text(name)), relay=True) == []
    assert found(zones.asking(zones.text("spf-typo")), relay=True) != []


def test_how_findings_read() -> None:
    one = findings.Finding("dns", "problem", "it is so", "that hurts", ["do this", "and that"], [], "", [], [])
    note = findings.Finding("dns", "note", "by the way", "", [], [], "", [], [])
    assert findings.text([note, one]) == "Problem: it is so\n  that hurts\n  > do this\n  > and that\nNote: by the way"
    assert findings.text([note]) == "Note: by the way\nNo problem found."
    assert findings.data([one]) == [{"group": "dns", "severity": "problem", "what": "it is so", "why": "that hurts",
                                     "commands": ["do this", "and that"], "records": [], "advice": "",
                                     "explained_by": "", "type": "do this\nand that"}]


def test_a_key_without_its_head_is_the_same_key() -> None:
    body = zones.KEY.partition("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")[2]   # RSAPublicKey, as RFC 6376 literally has it
    assert meaning.dkim_trouble(["v=DKIM1; p=" + body], zones.KEY) == ""


@pytest.mark.parametrize(("text", "trouble"), [
    ("p=" + zones.KEY.partition("p=")[2], ""),
    (zones.KEY + "; t=y", ""),
    ("k=rsa; v=DKIM1; p=AAAA", "the record does not begin with v=DKIM1"),
    ("v=dkim1; p=AAAA", "the record does not begin with v=DKIM1"),
    ("v=DKIM1; s=tlsrpt; p=AAAA", "s=tlsrpt forbids mail"),
    ("v=DKIM1; p=AAAA; p=BBBB", "the record cannot be read: p= appears twice"),
    ("v=DKIM1, k=rsa, p=AAAA", "the record does not begin with v=DKIM1"),
    ("hello", "the TXT record is not a DKIM key"),
    (zones.KEY[:-100], "the key is cut off: 219 of its 294 bytes are there"),
])
def test_dkim(text: str, trouble: str) -> None:
    assert meaning.dkim_trouble([text], zones.KEY) == trouble
    assert meaning.is_testing([text]) == text.endswith("t=y")


def test_dmarc_of_the_domain_above_counts() -> None:
    above = zones.asking('_dmarc.example.com. TXT "v=DMARC1; p=reject"\n')
    sub = zones.wanted()._replace(domains=["mail.example.com"])
    lines = zones.lines(dns_check.judge(sub, above, zones.healthy))
    assert not [line for line in lines if "_dmarc" in line]


def test_reports_to_a_domain_that_did_not_ask_for_them() -> None:
    text = zones.text("dmarc-missing") + '_dmarc.example.com. TXT "v=DMARC1; p=none; rua=mailto:a@reports.example"\n'
    assert found(zones.asking(text)) == ["note: _dmarc.example.com has DMARC reports sent to reports.example, which"
                                         " does not say that it accepts them (RFC 7489, 7.1)"]
    text += 'example.com._report._dmarc.reports.example. TXT "v=DMARC1"\n'
    assert found(zones.asking(text)) == []
