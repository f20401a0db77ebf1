"""`smallmail dns publish` where something is in the way: wrong credentials, wildcards, aliases, delegations."""

from __future__ import annotations

import json

import pytest

from smallmail.errors import Problem
from smallmail.publishing import published
from tests.lab.network import GATEWAY
from tests.support import rfc2136
from tests.support.publisher import DOMAIN, NEXT, OTHER_SECRET, TLSA, TROUBLES, Publisher, Updates


@pytest.mark.parametrize(("text", "words"), TROUBLES)
def test_what_is_wrong_with_the_way_to_the_server_is_one_sentence(publisher: Publisher, text: str, words: str) -> None:
    publisher.credentials(text)
    with pytest.raises(Problem) as caught:
        publisher.publish()
    assert words in str(caught.value)
    assert OTHER_SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert not publisher.in_dns() and not publisher.owned()


@pytest.mark.parametrize("section", [
    rfc2136.section(OTHER_SECRET), rfc2136.section(OTHER_SECRET) + "dns_rfc2136_port = 54\n",
    rfc2136.section(OTHER_SECRET).replace("lab", "reader")])
def test_a_zone_that_cannot_be_written_keeps_no_other(publisher: Publisher, capsys: pytest.CaptureFixture[str],
                                                      section: str) -> None:
    publisher.add_domain("example.org")
    publisher.credentials(rfc2136.section(publisher.world.dns.key[2]) + "[Example.org.]\n" + section)
    assert publisher.publish() == 1
    said = capsys.readouterr()
    assert said.out.count("Left out: ") == 1 and "All name servers show it." in said.out
    there = publisher.in_dns()
    assert there == {key: value for key, value in publisher.wanted().items() if key[0].endswith(DOMAIN)}
    assert set(published.load(publisher.host).values()) == {DOMAIN}


def test_a_wildcard_gives_way(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    """RFC 4592: what is seen at a name because of a wildcard is no record of that name."""
    publisher.world.dns.set(".", "*.example.com. CNAME web.example.com.\nweb.example.com. A 192.0.2.80\n")
    assert publisher.publish() == 0, capsys.readouterr().out
    there = publisher.in_dns()
    assert there.pop(("*.example.com", "CNAME")) == {"web.example.com."}
    assert there.pop(("web.example.com", "A")) == {"192.0.2.80"}
    assert there == publisher.wanted()
    publisher.world.dns.remove_all([("*.example.com", "CNAME"), *there])
    publisher.world.dns.set(".", '*.example.com. A 192.0.2.80\n*.example.com. TXT "v=spf1 -all"\n')
    capsys.readouterr()
    assert publisher.publish() == 0, capsys.readouterr().out
    assert publisher.wanted().items() <= publisher.in_dns().items()
    assert publisher.publish() == 0


def test_an_alias_in_the_way(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    """It serves where it leads to what is wanted; else it is named, and nothing is written beside it."""
    key, = publisher.wanted()["dkim._domainkey.example.com", "TXT"]
    publisher.world.dns.set(".", "_dmarc.example.com. CNAME dmarc.example.net.\n"
                            'dmarc.example.net. TXT "v=DMARC1; p=reject"\n'
                            "_smtp._tls.example.com. CNAME nothing.example.net.\n"
                            "mx.example.com. CNAME host.example.net.\nhost.example.net. A 203.0.113.77\n"
                            "dkim._domainkey.example.com. CNAME key.example.net.\n"
                            f'key.example.net. TXT "{key[:200]}" "{key[200:]}"\n')
    try:
        assert publisher.publish(replace=[["mx.example.com", "A"]]) == 1
    finally:
        publisher.world.dns.remove_all(
            [("dmarc.example.net", "TXT"), ("host.example.net", "A"), ("key.example.net", "TXT")])
    said, there = capsys.readouterr().out, publisher.in_dns()
    assert "Correct already (not written by smallmail): _dmarc.example.com TXT (DMARC)\n" in said
    assert "Correct already (not written by smallmail): dkim._domainkey.example.com TXT (DKIM)\n" in said
    for name, target in (("mx.example.com", "host.example.net"), ("_smtp._tls.example.com", "nothing.example.net")):
        assert f"Left out: {name}: it is an alias (CNAME) for {target}, which allows no other record at this" in said
        assert {kind for each, kind in there if each == name} == {"CNAME"}
    assert there[DOMAIN, "MX"] == {"10 mx.example.com."}


def test_a_name_that_is_delegated_to_others(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    publisher.world.dns.set(".", "_tcp.example.com. NS client.example.net.\n")
    try:
        assert publisher.publish() == 1
    finally:
        publisher.world.dns.remove("_tcp.example.com", "NS")
    assert "Left out: _submissions._tcp.example.com, _submission._tcp.example.com" in capsys.readouterr().out
    assert (DOMAIN, "MX") in publisher.in_dns() and ("_submissions._tcp.example.com", "SRV") not in publisher.in_dns()


def test_a_key_that_may_not_do_all(publisher: Publisher, dns_updates: Updates,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    """As keys for certbot alone are made: the whole update is refused, and nothing is ours. Another zone goes on."""
    put, _, _ = dns_updates
    publisher.add_domain("example.org")
    publisher.credentials("[example.com]\n".join(rfc2136.section(publisher.world.dns.key[2], key=name)
                                            for name in ("lab", "acme")))
    words = f"the name server {GATEWAY} does not accept the key 'acme' with hmac-sha256 for the zone {DOMAIN}"
    assert publisher.publish(json=True) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"smallmail: {words}: compare ") and said.err.count("\n") == 1
    told = json.loads(said.out)
    assert told["outcome"] == "published" and list(told["refused"]) == [DOMAIN]
    with pytest.raises(Problem, match=words):
        put(TLSA)
    assert {name.endswith("example.org") for name, _ in publisher.in_dns()} == {True}
    assert set(published.load(publisher.host).values()) == {"example.org"}
    put([NEXT])
    assert publisher.in_dns()[NEXT.name, "TXT"] == {NEXT.value}
