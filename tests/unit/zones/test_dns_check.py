"""What the golden zones can't show: name servers that fail, hosts behind NAT or a relay, and how findings read."""
import pytest

from smallmail import findings
from smallmail.zones import dns_check, meaning
from tests.golden import zones

GOOD = zones.asking(zones.text("correct-extras"))


def found(ask=GOOD, zone=zones.healthy, **wanted):
    return zones.lines(dns_check.findings(zones.wanted(**wanted), ask, zone))


def served(**changes):
    return lambda name: zones.healthy(name)._replace(**changes)


def test_silence_is_said_once():
    def no_zone(name):
        return zones.silent(name, "SOA")
    assert found(zones.silent, no_zone) == ["problem: no name server of example.com answers"]


def test_a_domain_that_nobody_registered():
    lines = found(zone=lambda name: zones.healthy(name)._replace(name="com"))
    assert lines == ["problem: mx.example.com has no name servers", "problem: example.com has no name servers"]


def test_servers_that_disagree():
    def ask(name, kind):
        answer = GOOD(name, kind)
        if (name, kind) == ("example.com", "MX"):
            return answer._replace(said={"a (192.0.2.1)": answer.values, "b (192.0.2.2)": []})
        return answer._replace(said={"a (192.0.2.1)": answer.values, "b (192.0.2.2)": answer.values})
    assert found(ask) == ["problem: the name servers disagree on example.com MX: a (192.0.2.1) says"
                          " 10 mx.example.com., 50 backup.example.com.; b (192.0.2.2) says nothing"]


@pytest.mark.parametrize(("changes", "line"), [
    ({"troubles": {"ns (192.0.2.1)": "does not answer"}},
     "problem: name server ns (192.0.2.1) of example.com does not answer"),
    ({"troubles": {"ns (192.0.2.1)": "does not answer"}, "own": [], "ds": True},    # not: take the DS record out
     "problem: name server ns (192.0.2.1) of example.com does not answer"),
    ({"own": ["ns.example.net.", "new.example.net."]}, "problem: the zone above names other name servers for "
     "example.com (ns.example.net.) than the zone itself (ns.example.net., new.example.net.)"),
    ({"ds": True}, "problem: example.com is not signed, but the zone above says that it is signed (DS)"),
    ({"ds": True, "signed": True, "broken": "has signatures that are too old"}, "problem: example.com has signatures"
     " that are too old, but the zone above says that it is signed (DS)"),
    ({"ds": True, "signed": True}, "note: example.com is signed (DNSSEC)"),
    ({"signed": True}, "note: example.com is signed, but the zone above has no DS record: nobody can verify it"),
])
def test_zone(changes, line):
    assert found(zone=served(**changes)) == [line]


def test_behind_nat_dns_says_where_the_host_is():
    lines = found(addresses=[])
    assert len(lines) == 1 and lines[0].startswith(
        "note: this host does not see a public address of its own (NAT): 203.0.113.210 and 2001:db8:113::210 in DNS")
    without = zones.asking(zones.text("spf-names-other-hosts"))
    assert any("SPF of example.com: fail for 203.0.113.210" in line for line in found(without, addresses=[]))


def test_behind_nat_for_ipv4_alone():
    assert found(addresses=["2001:db8:113::210"]) == [
        "note: this host does not see a public address of its own (NAT): 203.0.113.210 in DNS; whether mail for it"
        " comes here can't be seen from here"]


def test_an_old_ipv6_address_is_found_on_a_host_without_ipv6():
    old = zones.asking(zones.text("host-without-aaaa") + "mx.example.com. AAAA 2001:db8:113::99\n")
    assert found(old, addresses=["203.0.113.210"]) == [
        "problem: mx.example.com leads to 2001:db8:113::99, which is not an address of this host"]


def test_behind_a_relay_spf_and_reverse_names_are_the_relay_s():
    for name in ("spf-names-other-hosts", "ptr-missing"):
        assert found(zones.asking(zones.text(name)), relay=True) == []
    assert found(zones.asking(zones.text("spf-typo")), relay=True) != []


def test_how_findings_read():
    one = findings.Finding("dns", "problem", "it is so", "that hurts", "do this\nand that")
    note = findings.Finding("dns", "note", "by the way", "", "")
    assert findings.text([note, one]) == "Problem: it is so\n  that hurts\n  > do this\n  > and that\nNote: by the way"
    assert findings.text([note]) == "Note: by the way\nNo problem found."
    assert findings.data([one]) == [{"group": "dns", "severity": "problem", "what": "it is so", "why": "that hurts",
                                     "type": "do this\nand that"}]


def test_a_key_without_its_head_is_the_same_key():
    body = zones.KEY.partition("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")[2]   # RSAPublicKey, as RFC 6376 literally has it
    assert meaning.dkim_trouble(["v=DKIM1; p=" + body], zones.KEY) == ""


@pytest.mark.parametrize(("text", "trouble"), [
    ("p=" + zones.KEY.partition("p=")[2], ""),
    (zones.KEY + "; t=y", ""),
    ("k=rsa; v=DKIM1; p=AAAA", "the record does not begin with v=DKIM1"),
    ("v=dkim1; p=AAAA", "the record does not begin with v=DKIM1"),
    ("v=DKIM1; s=tlsrpt; p=AAAA", "s=tlsrpt forbids mail"),
    ("v=DKIM1; p=AAAA; p=BBBB", "the record can't be read: p= stands there twice"),
    ("v=DKIM1, k=rsa, p=AAAA", "the record does not begin with v=DKIM1"),
    ("hello", "the TXT record there is no DKIM key"),
    (zones.KEY[:-100], "the key was cut: 219 of its 294 bytes are there"),
])
def test_dkim(text, trouble):
    assert meaning.dkim_trouble([text], zones.KEY) == trouble
    assert meaning.is_testing([text]) == text.endswith("t=y")


def test_dmarc_of_the_domain_above_counts():
    above = zones.asking('_dmarc.example.com. TXT "v=DMARC1; p=reject"\n')
    sub = zones.wanted()._replace(domains=["mail.example.com"])
    lines = zones.lines(dns_check.findings(sub, above, zones.healthy))
    assert not [line for line in lines if "_dmarc" in line]


def test_reports_to_a_domain_that_did_not_ask_for_them():
    text = zones.text("dmarc-missing") + '_dmarc.example.com. TXT "v=DMARC1; p=none; rua=mailto:a@reports.example"\n'
    assert found(zones.asking(text)) == ["note: _dmarc.example.com sends DMARC reports to reports.example, which has"
                                         " not said that it wants them (RFC 7489, 7.1)"]
    text += 'example.com._report._dmarc.reports.example. TXT "v=DMARC1"\n'
    assert found(zones.asking(text)) == []
