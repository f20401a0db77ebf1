"""Records that a timer puts into DNS and takes out again, as the rotation of keys does: without a terminal, and with
nobody to ask."""

from __future__ import annotations

import pytest

from smallmail import wanted_records
from smallmail.errors import Problem
from smallmail.publishing.name_servers import PATH
from tests.support import rfc2136
from tests.support.publisher import DOMAIN, NEXT, OTHER_SECRET, TLSA, TROUBLES, Publisher, Updates


def test_only_where_updates_are_set_up_and_something_is_ours(publisher: Publisher, dns_updates: Updates) -> None:
    put, _, managed = dns_updates
    assert not managed(NEXT.name)
    put([NEXT])
    assert managed(NEXT.name) and managed(DOMAIN)
    assert not managed("example.org") and not managed("another-example.com")
    publisher.credentials("[example.org]\n" + rfc2136.credentials(publisher.world))
    assert not managed(NEXT.name)
    (publisher.folder / PATH).unlink()
    assert not managed(NEXT.name)


def test_a_record_more_and_less(publisher: Publisher, dns_updates: Updates) -> None:
    put, withdraw, _ = dns_updates
    put(TLSA[:1])
    put(TLSA[1:])
    place = TLSA[0].name, "TLSA"
    assert publisher.in_dns() == {place: {record.value for record in TLSA}}, "each is a word of its own"
    put(TLSA)
    withdraw(TLSA[:1])
    withdraw(TLSA[:1])
    assert publisher.in_dns() == {place: {TLSA[1].value}}
    assert publisher.owned() == {(*place, TLSA[1].value)}
    put([NEXT])
    put([NEXT._replace(value=NEXT.value.replace("A", "B"))])
    assert publisher.in_dns()[NEXT.name, "TXT"] == {NEXT.value.replace("A", "B")}, "of a key there may be but one"
    withdraw([*TLSA, NEXT._replace(value=NEXT.value.replace("A", "B"))])
    assert not publisher.in_dns() and not publisher.owned()


def test_what_others_wrote_is_not_theirs_to_change(publisher: Publisher, dns_updates: Updates) -> None:
    put, withdraw, _ = dns_updates
    publisher.world.dns.set(".", f'{NEXT.name}. TXT "v=DKIM1; k=ed25519; p={"C" * 43}="\n'
                            f"{TLSA[0].name}. TLSA {TLSA[0].value}\n")
    before = publisher.in_dns()
    with pytest.raises(Problem, match=r"next._domainkey.example.com TXT: the published key is .*; smallmail did not"
                                      r" write this record and keeps it: 'smallmail dns publish --replace"
                                      r" next._domainkey.example.com TXT'"):
        put([NEXT])
    with pytest.raises(Problem, match="TLSA record of _25._tcp.mx.example.com was not written by smallmail"):
        withdraw(TLSA[:1])
    assert publisher.in_dns() == before and not publisher.owned()
    put(TLSA)
    assert publisher.in_dns()[TLSA[0].name, "TLSA"] == {record.value for record in TLSA}
    assert publisher.owned() == {(TLSA[1].name, "TLSA", TLSA[1].value)}


@pytest.mark.parametrize(("text", "words"), TROUBLES[::4])
def test_a_timer_hears_what_is_wrong(publisher: Publisher, dns_updates: Updates, text: str, words: str) -> None:
    put, withdraw, _ = dns_updates
    publisher.credentials(text)
    for does in (put, withdraw):
        with pytest.raises(Problem) as caught:
            does([NEXT])
        assert words in str(caught.value) and OTHER_SECRET not in str(caught.value)
    assert not publisher.in_dns() and not publisher.owned()


def test_a_timer_between_the_question_and_the_answer(publisher: Publisher, dns_updates: Updates,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """While an admin looks at the diff a timer adds a record of ours: it stays known as ours."""
    put, withdraw, _ = dns_updates
    put(TLSA[:1])
    all_records = wanted_records.all_records
    monkeypatch.setattr(wanted_records, "all_records", lambda *given: [*all_records(*given), TLSA[0]])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: put(TLSA[1:]) or "y")
    assert publisher.publish(yes=False) == 0
    assert publisher.in_dns()[TLSA[0].name, "TLSA"] == {record.value for record in TLSA}
    withdraw(TLSA[1:])
    assert publisher.in_dns() == publisher.wanted()
