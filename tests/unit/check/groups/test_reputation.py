"""Block lists: what is asked, and what the answers mean (RFC 5782, and what each list says of itself)."""

from __future__ import annotations

import pytest

from smallmail.check.probes import blocklists
from smallmail.findings import PROBLEM, UNKNOWN
from smallmail.zones.answers import Unanswered

OWN, DOMAIN = ["198.51.100.7", "2001:db8::7"], ["example.org"]
RIGHT = {f"{each.always}.{each.zone}": ["127.0.0.2"] for each in blocklists.ADDRESSES + blocklists.DOMAINS}
ZEN = "7.100.51.198.zen.spamhaus.org"


def judged(more: dict[str, list[str] | None], own: list[str] = OWN) -> list[tuple[str, str, str]]:
    """What is found where the lists answer as they should, but for this."""
    answers: dict[str, list[str] | None] = {**RIGHT, **more}
    questions = blocklists.questions(own, DOMAIN)
    assert set(more) <= set(questions.values())
    found = blocklists.judge({key: answers.get(name, []) for key, name in questions.items()}, "asked by 192.0.2.53")
    return [(each.severity, each.what, each.why) for each in found]


def test_names() -> None:
    names = set(blocklists.questions(OWN, DOMAIN).values())
    assert {ZEN, "2.0.0.127.zen.spamhaus.org", "1.0.0.127.bl.spamcop.net", "example.org.dbl.spamhaus.org",
            "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.spamhaus.org"} <= names
    assert not [name for name in names if name.endswith("psbl.surriel.com") and len(name) > 40]    # IPv4 only
    with_a_relayhost = blocklists.questions([], DOMAIN).values()
    assert all(name.endswith(".dbl.spamhaus.org") for name in with_a_relayhost)


def test_a_good_name() -> None:
    assert judged({}) == []


@pytest.mark.parametrize(("codes", "words"), [
    (["127.0.0.2"], "SBL: "), (["127.0.0.3"], "CSS: "), (["127.0.0.4"], "XBL: "),
    (["127.0.0.10"], "PBL: this is not an accusation"),
    (["127.0.0.11", "127.0.0.4"], "PBL: this is not an accusation"), (["127.0.0.99"], "It answers 127.0.0.99"),
])
def test_listed(codes: list[str], words: str) -> None:
    (severity, what, why), = judged({ZEN: codes})
    assert (severity, what) == (PROBLEM, "198.51.100.7 is on the block list Spamhaus ZEN")
    assert words in why


@pytest.mark.parametrize(("code", "words"), [
    ("127.255.255.254", "does not answer public resolvers"), ("127.255.255.255", "gets too many questions"),
    ("127.255.255.252", "the name is wrong"),
])
def test_refused(code: str, words: str) -> None:
    """Nobody is listed then, whatever is answered for an address."""
    (severity, what, _), = judged({"2.0.0.127.zen.spamhaus.org": [code], ZEN: [code], "1.0.0.127.zen.spamhaus.org":
                                   [code]})
    assert severity == PROBLEM and words in what and "(asked by 192.0.2.53)" in what


@pytest.mark.parametrize("more", [
    {"2.0.0.127.psbl.surriel.com": None}, {"2.0.0.127.psbl.surriel.com": []},
    {"2.0.0.127.psbl.surriel.com": ["198.51.100.80"]},      # a resolver that has an answer for everything
    {"1.0.0.127.psbl.surriel.com": ["127.0.0.2"], "7.100.51.198.psbl.surriel.com": ["127.0.0.2"]},   # given up
])
def test_a_list_that_cannot_be_relied_on(more: dict[str, list[str] | None]) -> None:
    (severity, what, _), = judged(more)
    assert severity == UNKNOWN and what == "PSBL"


def test_no_answer_for_an_address() -> None:
    assert [found[:2] for found in judged({ZEN: None})] == [(UNKNOWN, "Spamhaus ZEN on 198.51.100.7")]

    def nobody(name: str, kind: str) -> list[str]:
        raise Unanswered(name + kind)

    assert blocklists.asked(ZEN, nobody) is None
    assert blocklists.asked(ZEN, lambda name, kind: ["127.0.0.2"]) == ["127.0.0.2"]


@pytest.mark.parametrize(("name", "address", "expected"), [
    ("ip-198-51-100-7.provider.example", "198.51.100.7", True),
    ("7.100.51.198.in-addr.provider.example", "198.51.100.7", True),
    ("static.198.51.100.7.clients.provider.example", "198.51.100.7", True),
    ("198051100007.provider.example", "198.51.100.7", True),
    ("host7.dyn.provider.example", "198.51.100.7", True),
    ("2001-db8-0-0-0-0-0-7.provider.example", "2001:db8::7", True),
    ("mx.example.org", "198.51.100.7", False),
    ("mx7.example.org", "198.51.100.7", False),
    ("mail100.dc51.example.org", "198.51.100.7", False),
    ("mx.example.org", "2001:db8::7", False),
])
def test_generic_names(name: str, address: str, expected: bool) -> None:
    assert blocklists.is_generic(name, address) == expected
