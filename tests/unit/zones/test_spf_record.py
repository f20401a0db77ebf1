"""Records that receivers reject as a whole: what is said about the term that makes them so."""

from __future__ import annotations

import pytest

from smallmail.zones import spf_record


@pytest.mark.parametrize(("record", "sentence"), [
    ("v=spf1 a:192.0.2.1 -all", "'a:192.0.2.1' of d.example has an address in the place of a name: use ip4:192.0.2.1"),
    ("v=spf1 a:mail -all", "'a:mail' of d.example does not have a full and valid name"),
    ("v=spf1 include:x.example; -all", "'include:x.example;' of d.example does not have a full and valid name"),
    ("v=spf1 mx:example.com:25 -all", "'mx:example.com:25' of d.example does not have a full and valid name"),
    ("v=spf1 mx -all\u00a0", r"'-all\xa0' of d.example is not a term of SPF"),
    ("v=spf1 mx\t-all", r"'mx\t-all' of d.example is not a term of SPF"),
    ("v=spf1 \u201cmx -all", r"'\u201cmx' of d.example is not a term of SPF"),
    ("v=spf1 ip4=192.0.2.1 ipv4:192.0.2.1", "'ipv4:192.0.2.1' of d.example is not a term of SPF"),
    ("v=spf1 ip4:192.0.2.01", "'ip4:192.0.2.01' of d.example does not have an IPv4 address"),
    ("v=spf1 ip4:2001:db8::1", "'ip4:2001:db8::1' of d.example does not have an IPv4 address"),
    ("v=spf1 ip6:192.0.2.1", "'ip6:192.0.2.1' of d.example does not have an IPv6 address"),
    ("v=spf1 include -all", "'include' of d.example does not have a domain"),
    ("v=spf1 a/33", "'a/33' of d.example has a prefix that is too long"),
])
def test_sentence(record: str, sentence: str) -> None:
    with pytest.raises(spf_record.Invalid) as caught:
        spf_record.parse(record, "d.example")
    assert str(caught.value) == sentence


def test_a_long_record_of_a_stranger_is_read_in_no_time() -> None:
    for filling in ("a" * 60000, "a." * 30000 + "1", "%{d}" * 15000, "0" * 60000, "1.0" * 20000, "/1" * 30000):
        for start in ("a:", "ip4:", "ip6:", "x=", "exists:"):
            with pytest.raises(spf_record.Invalid):
                spf_record.parse(f"v=spf1 {start}{filling}% ", "d.example")


def test_a_long_term_is_cut_off() -> None:
    with pytest.raises(spf_record.Invalid) as caught:
        spf_record.parse("v=spf1 exists:%{d" + "9" * 5000 + "}", "d.example")
    assert str(caught.value) == "'exists:%{d" + "9" * 70 + "...' of d.example does not have a full and valid name"
