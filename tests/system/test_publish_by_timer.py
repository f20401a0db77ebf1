"""Records that a timer puts into DNS and takes out again, as the rotation of keys does: without a terminal, and with
nobody to ask."""

from __future__ import annotations

import pytest

from smallmail import wanted_records
from smallmail.errors import Problem
from smallmail.publishing.name_servers import PATH
from tests.lab.network import GATEWAY
from tests.system.publishing import DOMAIN, NEXT, OTHER_SECRET, RFC2136, TLSA, TROUBLES


def test_only_where_updates_are_set_up_and_something_is_ours(mine, hands):
    put, _, managed = hands
    assert not managed(NEXT.name)
    put([NEXT])
    assert managed(NEXT.name) and managed(DOMAIN)
    assert not managed("example.org") and not managed("another-example.com")
    mine.credentials("[example.org]\n" + RFC2136.format(GATEWAY, *mine.world.dns.key[::2]))
    assert not managed(NEXT.name)
    (mine.folder / PATH).unlink()
    assert not managed(NEXT.name)


def test_a_record_more_and_less(mine, hands):
    put, withdraw, _ = hands
    put(TLSA[:1])
    put(TLSA[1:])
    place = TLSA[0].name, "TLSA"
    assert mine.there() == {place: {record.value for record in TLSA}}, "each is a word of its own"
    put(TLSA)
    withdraw(TLSA[:1])
    withdraw(TLSA[:1])
    assert mine.there() == {place: {TLSA[1].value}}
    assert mine.owned() == {(*place, TLSA[1].value)}
    put([NEXT])
    put([NEXT._replace(value=NEXT.value.replace("A", "B"))])
    assert mine.there()[NEXT.name, "TXT"] == {NEXT.value.replace("A", "B")}, "of a key there may be but one"
    withdraw([*TLSA, NEXT._replace(value=NEXT.value.replace("A", "B"))])
    assert not mine.there() and not mine.owned()


def test_what_others_wrote_is_not_theirs_to_change(mine, hands):
    put, withdraw, _ = hands
    mine.world.dns.set(".", f'{NEXT.name}. TXT "v=DKIM1; k=ed25519; p={"C" * 43}="\n'
                            f"{TLSA[0].name}. TLSA {TLSA[0].value}\n")
    before = mine.there()
    with pytest.raises(Problem, match=r"next._domainkey.example.com TXT: the published key is .*; smallmail did not"
                                      r" write this record and keeps it: 'smallmail dns publish --replace"
                                      r" next._domainkey.example.com TXT'"):
        put([NEXT])
    with pytest.raises(Problem, match="TLSA record of _25._tcp.mx.example.com was not written by smallmail"):
        withdraw(TLSA[:1])
    assert mine.there() == before and not mine.owned()
    put(TLSA)
    assert mine.there()[TLSA[0].name, "TLSA"] == {record.value for record in TLSA}
    assert mine.owned() == {(TLSA[1].name, "TLSA", TLSA[1].value)}


@pytest.mark.parametrize(("text", "words"), TROUBLES[::4])
def test_a_timer_hears_what_is_wrong(mine, hands, text, words):
    put, withdraw, _ = hands
    mine.credentials(text)
    for does in (put, withdraw):
        with pytest.raises(Problem) as caught:
            does([NEXT])
        assert words in str(caught.value) and OTHER_SECRET not in str(caught.value)
    assert not mine.there() and not mine.owned()


def test_a_timer_between_the_question_and_the_answer(mine, hands, monkeypatch):
    """While an admin looks at the diff a timer adds a record of ours: it stays known as ours."""
    put, withdraw, _ = hands
    put(TLSA[:1])
    all_records = wanted_records.all_records
    monkeypatch.setattr(wanted_records, "all_records", lambda *given: [*all_records(*given), TLSA[0]])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: put(TLSA[1:]) or "y")
    assert mine.publish(yes=False) == 0
    assert mine.there()[TLSA[0].name, "TLSA"] == {record.value for record in TLSA}
    withdraw(TLSA[1:])
    assert mine.there() == mine.wanted()
