"""SPF as RFC 7208 has it: its own examples (Appendix A and 7.4), and the limits."""

from __future__ import annotations

from typing import Any

import pytest

from smallmail.zones import spf

# RFC 7208, Appendix A: the simple setup.
ZONE = {
    ("example.com", "MX"): ["10 mail-a.example.com.", "20 mail-b.example.com."],
    ("example.com", "A"): ["192.0.2.10", "192.0.2.11"],
    ("amy.example.com", "A"): ["192.0.2.65"],
    ("bob.example.com", "A"): ["192.0.2.66"],
    ("mail-a.example.com", "A"): ["192.0.2.129"],
    ("mail-b.example.com", "A"): ["192.0.2.130"],
    ("example.org", "MX"): ["10 mail-c.example.org."],
    ("mail-c.example.org", "A"): ["192.0.2.140"],
    ("10.2.0.192.in-addr.arpa", "PTR"): ["example.com."],
    ("65.2.0.192.in-addr.arpa", "PTR"): ["amy.example.com."],
    ("140.2.0.192.in-addr.arpa", "PTR"): ["mail-c.example.org."],
    ("six.example.com", "AAAA"): ["2001:db8::5"],
    ("ok.example.net", "TXT"): ["v=spf1 ip4:192.0.2.129 -all"],
    ("broken.example.net", "TXT"): ["v=spf1 ip4:999.0.0.1 -all"],
}


def checked(record: str, address: str, domain: str = "example.com", **more: Any) -> spf.Result:
    zone = {**ZONE, (domain, "TXT"): ["unrelated", record], **more.get("zone", {})}

    def look(name: str, kind: str) -> list[str]:
        if name == "silent.example.net":
            raise spf.Temporary("no name server answers")
        return zone.get((name.lower(), kind), [])

    return spf.check(address, domain, more.get("sender", "strong-bad@" + domain), "mx.example.org", look)


@pytest.mark.parametrize(("record", "address", "result"), [
    ("v=spf1 +all", "192.0.2.65", "pass"),
    ("v=spf1 a -all", "192.0.2.10", "pass"),
    ("v=spf1 a -all", "192.0.2.65", "fail"),
    ("v=spf1 a:example.org -all", "192.0.2.10", "fail"),
    ("v=spf1 mx -all", "192.0.2.129", "pass"),
    ("v=spf1 mx mx:example.org -all", "192.0.2.140", "pass"),
    ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", "pass"),
    ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", "pass"),
    ("v=spf1 ptr -all", "192.0.2.65", "pass"),
    ("v=spf1 ptr -all", "192.0.2.140", "fail"),
    ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.140", "pass"),
    ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", "fail"),
    ("v=spf1 a:six.example.com//64 -all", "2001:db8::77", "pass"),
    ("v=spf1 a:six.example.com/24//64 -all", "2001:db8::77", "pass"),
    ("v=spf1 a:six.example.com -all", "2001:db8::77", "fail"),
    ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::77", "pass"),
    ("v=spf1 ip6:2001:db8::/32 ~all", "192.0.2.65", "softfail"),
    ("v=spf1 ?all", "192.0.2.65", "neutral"),
    ("v=spf1", "192.0.2.65", "neutral"),
    ("v=spf1 include:ok.example.net -all", "192.0.2.129", "pass"),
    ("v=spf1 include:ok.example.net ~all", "192.0.2.65", "softfail"),
    ("v=spf1 redirect=ok.example.net", "192.0.2.65", "fail"),
    ("v=spf1 redirect=ok.example.net +all", "192.0.2.65", "pass"),
    ("v=spf1 unknown=modifier a exp=why.example.com -all", "192.0.2.10", "pass"),
    ("v=spf1 include:broken.example.net +all", "192.0.2.65", "permerror"),
    ("v=spf1 include:nothing.example.net +all", "192.0.2.65", "permerror"),
    ("v=spf1 redirect=nothing.example.net", "192.0.2.65", "permerror"),
    ("v=spf1 include:silent.example.net +all", "192.0.2.65", "temperror"),
    ("v=spf1 +all nonsense:x", "192.0.2.65", "permerror"),   # 4.6: the whole record is read first
    ("v=spf1 include +all", "192.0.2.65", "permerror"),
    ("v=spf1 a:%x +all", "192.0.2.65", "permerror"),
    ("v=spf1 mx/33 +all", "192.0.2.65", "permerror"),
    ("v=spf1 mx/24/64 +all", "192.0.2.65", "permerror"),
    ("v=spf1 ip4:2001:db8::1 +all", "192.0.2.65", "permerror"),
    ("v=spf1 redirect=a.example redirect=b.example", "192.0.2.65", "permerror"),
    ("v=spf10 +all", "192.0.2.65", "none"),
])
def test_result(record: str, address: str, result: str) -> None:
    assert checked(record, address).result == result, checked(record, address)


@pytest.mark.parametrize(("macro", "expanded"), [
    ("%{s}", "strong-bad@email.example.com"), ("%{o}", "email.example.com"), ("%{d}", "email.example.com"),
    ("%{d4}", "email.example.com"), ("%{d3}", "email.example.com"), ("%{d2}", "example.com"), ("%{d1}", "com"),
    ("%{dr}", "com.example.email"), ("%{d2r}", "example.email"), ("%{l}", "strong-bad"), ("%{l-}", "strong.bad"),
    ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"), ("%{l1r-}", "strong"),
    ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
    ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ("%{h}", "mx.example.org"), ("a%%b%_c%-d.example", "a%b c%20d.example"), ("%{S}", "strong-bad%40email.example.com"),
])
def test_macros_of_the_rfc(macro: str, expanded: str) -> None:
    """7.4: each of its examples; the name that an `exists` with it looks up."""
    looked = []

    def look(name: str, kind: str) -> list[str]:
        looked.append((name, kind))
        return ["v=spf1 exists:" + macro] if kind == "TXT" else []

    spf.check("192.0.2.3", "email.example.com", "strong-bad@email.example.com", "mx.example.org", look)
    assert looked[-1] == (expanded, "A")


def test_ipv6_in_macros() -> None:
    looked = []

    def look(name: str, kind: str) -> list[str]:
        looked.append(name)
        return ["v=spf1 exists:%{ir}.%{v}._spf.%{d2}"] if kind == "TXT" else []

    spf.check("2001:db8::cb01", "email.example.com", "x@email.example.com", "h", look)
    assert looked[-1] == ("1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com")


@pytest.mark.parametrize(("count", "result"), [(10, "pass"), (11, "permerror")])
def test_ten_terms_may_ask(count: int, result: str) -> None:
    record = "v=spf1 " + "a:amy.example.com " * (count - 1) + "a:bob.example.com -all"
    assert checked(record, "192.0.2.66").result == result


@pytest.mark.parametrize(("count", "result"), [(2, "pass"), (3, "permerror")])
def test_two_look_ups_may_find_nothing(count: int, result: str) -> None:
    record = "v=spf1 " + "".join(f"a:gone{number}.example.com " for number in range(count)) + "+all"
    assert checked(record, "192.0.2.66").result == result


def test_two_records_are_none() -> None:
    zone = {("example.com", "TXT"): ["v=spf1 +all", "v=spf1 mx -all"]}
    assert spf.check("192.0.2.1", "example.com", "a@example.com", "h", lambda name, kind: zone.get((name, kind), [])) \
        == ("permerror", "example.com has 2 SPF records, but one is allowed")


def test_a_record_that_includes_itself_comes_to_an_end() -> None:
    assert checked("v=spf1 include:example.com -all", "192.0.2.65").result == "permerror"
