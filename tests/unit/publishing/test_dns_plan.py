"""What publishing changes: of each record set, what is wanted, what is there, and what of that is ours."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from smallmail.publishing import dns_plan
from smallmail.publishing.dns_plan import Change, Entry, Foreign, Place, Plan, Present

MX, SPF = Entry("example.com", "MX", "10 mx.example.com."), Entry("example.com", "TXT", "v=spf1 mx -all")
TLSA = Entry("_25._tcp.mx.example.com", "TLSA", "3 1 1 aa")
KEY = Entry("dkim._domainkey.example.com", "TXT", "v=DKIM1; k=rsa; p=QQ==")


def decided(wanted: list[Entry], there: list[Entry], owned: Iterable[Entry] = (), trouble: str = "",
            replace: Iterable[tuple[str, str]] = ()) -> tuple[Plan, dict[tuple[str, str], list[str]]]:
    """With what is there as entries; `trouble` is what is wrong with what others wrote."""
    present: dict[tuple[str, str], Present] = {}
    for entry in [*wanted, *owned]:
        present.setdefault((entry.name, entry.type), Present([], 0))
    for entry in there:
        present.setdefault((entry.name, entry.type), Present([], 60)).values.append(entry.value)
        present[entry.name, entry.type] = present[entry.name, entry.type]._replace(ttl=60)
    plan = dns_plan.decide(wanted, present, set(owned), lambda *_: trouble, replace)
    return plan, dns_plan.expected(wanted, present, set(owned))


def other(entry: Entry, value: str) -> Entry:
    return entry._replace(value=value)


def test_nothing_is_there() -> None:
    plan, expected = decided([MX, SPF], [])
    assert plan == ([Change(Place("example.com", "MX", ""), [], [MX.value], 3600),
                     Change(Place("example.com", "TXT", "SPF"), [], [SPF.value], 3600)], [], [])
    assert expected == {("example.com", "MX"): [MX.value], ("example.com", "TXT"): [SPF.value]}


@pytest.mark.parametrize("owned", [[], [MX, SPF]])
def test_all_is_there_whoever_wrote_it(owned: list[Entry]) -> None:
    assert decided([MX, SPF], [SPF, MX], owned)[0] == ([], [], [])


def test_ours_changes_and_keeps_the_ttl() -> None:
    new = other(SPF, "v=spf1 mx ~all")
    plan, _ = decided([new], [SPF, other(SPF, "unrelated")], [SPF])
    assert plan.changes == [Change(Place("example.com", "TXT", "SPF"), [SPF.value], [new.value], 60)]
    assert not plan.right and not plan.foreign


def test_ours_that_is_wanted_no_more_goes() -> None:
    plan, expected = decided([], [MX, other(MX, "50 backup.example.com.")], [MX])
    assert plan.changes == [Change(Place("example.com", "MX", ""), [MX.value], [], 60)]
    assert expected["example.com", "MX"] == ["50 backup.example.com."]


def test_ours_that_somebody_has_removed_is_put_back_or_forgotten() -> None:
    assert decided([MX], [], [MX])[0].changes[0].add == [MX.value]
    assert decided([], [], [MX])[0] == ([], [], [])


@pytest.mark.parametrize("trouble", ["", "it leads elsewhere"])
def test_what_others_wrote_stays(trouble: str) -> None:
    theirs = [other(SPF, "v=spf1 include:example.net -all"), other(SPF, "unrelated")]
    plan, expected = decided([SPF], theirs, trouble=trouble)
    place = Place("example.com", "TXT", "SPF")
    assert not plan.changes
    assert (plan.right, plan.foreign) == (([place], []) if not trouble else
                                          ([], [Foreign(place, [theirs[0].value], trouble)]))
    assert expected["example.com", "TXT"] == [entry.value for entry in theirs][::-1]


def test_theirs_gives_way_where_that_is_asked_for() -> None:
    theirs = [other(SPF, "v=spf1 include:example.net -all"), other(SPF, "unrelated")]
    plan, _ = decided([SPF], theirs, trouble="wrong", replace=[("example.com", "TXT")])
    assert plan == ([Change(Place("example.com", "TXT", "SPF"), [theirs[0].value], [SPF.value], 60)], [], [])
    assert decided([], theirs, replace=[("example.com", "TXT")])[0].changes == [], "nothing to put in its place"


def test_beside_ours_there_may_be_theirs() -> None:
    plan, _ = decided([MX], [MX, other(MX, "50 backup.example.com.")], [MX])
    assert (plan.changes, plan.right) == ([], [Place("example.com", "MX", "")])


def test_a_tlsa_record_takes_nothing_from_others() -> None:
    plan, _ = decided([TLSA], [other(TLSA, "3 1 1 bb")])
    assert plan.changes == [Change(Place(TLSA.name, "TLSA", ""), [], [TLSA.value], 60)]


@pytest.mark.parametrize(("value", "purpose"), [
    ("v=spf1 -all", "SPF"), ("V=SPF1", "SPF"), ("v=spf10 x", "v=spf10 x"), ("v = DMARC1 ;p=none", "DMARC"),
    ("v=DMARC1", "DMARC"), ("v=TLSRPTv1;rua=x", "TLSRPT"), ("anything", "anything"), ("", "")])
def test_texts_of_one_kind(value: str, purpose: str) -> None:
    assert dns_plan.place(other(SPF, value)) == Place("example.com", "TXT", purpose)


def test_of_which_there_is_one() -> None:
    assert dns_plan.place(other(KEY, "k=rsa; p=QQ==")).purpose == "DKIM", "v= may be missing (RFC 6376, 3.6.1)"
    assert dns_plan.has_one(dns_plan.place(KEY)) and dns_plan.has_one(dns_plan.place(SPF))
    assert not dns_plan.has_one(dns_plan.place(TLSA)) and not dns_plan.has_one(dns_plan.place(MX))
