"""What publishing changes: of each record set, what is wanted, what is there, and what of that is ours. Pure."""
import re
from collections import OrderedDict
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

# Values are as answers.value_text() has them.
Entry = NamedTuple("Entry", [("name", str), ("type", str), ("value", str)])

# What counts as one: a record set, or those of a name's TXT records that say the same kind of thing.
Place = NamedTuple("Place", [("name", str), ("type", str), ("purpose", str)])
Present = NamedTuple("Present", [("values", List[str]), ("ttl", int)])
Change = NamedTuple("Change", [("place", Place), ("remove", List[str]), ("add", List[str]), ("ttl", int)])

# What others wrote and what does not serve; `why` in words.
Foreign = NamedTuple("Foreign", [("place", Place), ("values", List[str]), ("why", str)])

Plan = NamedTuple("Plan", [
    ("changes", List[Change]),
    ("right", List[Place]),     # written by others in other words than ours, and serving all the same
    ("foreign", List[Foreign]),
])

_Case = NamedTuple("_Case", [
    ("place", Place), ("wanted", List[str]), ("values", List[str]), ("ours", List[str]), ("ttl", int)])
TTL = 3600

# TXT records of which a name may have one, by what they begin with; a TXT value of any other kind stands for itself.
_PURPOSES = [("SPF", r"v=spf1( |$)"), ("DMARC", r"v\s*=\s*DMARC1\s*(;|$)"), ("TLSRPT", r"v=TLSRPTv1\s*(;|$)")]
ADDRESSES = ("A", "AAAA")

# Each record of these is a word of its own: one more takes nothing from the others (RFC 6698, 2.1: any one may match).
_ADDITIVE = ("TLSA",)


def place(entry: Entry) -> Place:
    """What the record counts for."""
    return Place(entry.name, entry.type, _purpose(entry))


def _purpose(entry: Entry) -> str:
    if entry.type != "TXT":
        return ""
    if "._domainkey." in entry.name:
        return "DKIM"   # RFC 6376, 3.6.2.2: one record at such a name, and v= may be missing
    return next((purpose for purpose, begins in _PURPOSES if re.match(begins, entry.value, re.IGNORECASE)), entry.value)


def has_one(where: Place) -> bool:
    """Whether there may be only one such record."""
    return where.type == "TXT"


def expected(wanted: List[Entry], present: Dict[Tuple[str, str], Present], owned: Set[Entry]) \
        -> "Dict[Tuple[str, str], List[str]]":
    """The record sets as they are once all is published that nobody else wrote; others' records are as they are."""
    found = OrderedDict((key, list(there.values)) for key, there in present.items())
    for case in _cases(wanted, present, owned):
        target, values = _target(case), found.setdefault((case.place.name, case.place.type), [])
        values[:] = [value for value in values if value not in case.values] + target
    return found


def decide(wanted: List[Entry], present: Dict[Tuple[str, str], Present], owned: Set[Entry],
           trouble: Callable[[Place, List[str], List[str]], str], replace: Iterable[Tuple[str, str]] = ()) -> Plan:
    """What to change where something is wanted or ours.

    `present`: all record sets at those names and types; `trouble`: what is wrong with a place's values (the second)
    where others are wanted (the third), "" when they serve as well; `replace`: (name, type) of what others wrote and
    what is to be ours all the same.
    """
    plan = Plan([], [], [])
    for case in _cases(wanted, present, owned):
        target = _target(case)
        if case.wanted and (case.place.name, case.place.type) in replace:
            target = case.wanted
        change = Change(case.place, [value for value in case.values if value not in target],
                        [value for value in target if value not in case.values], case.ttl)
        if change.remove or change.add:
            plan.changes.append(change)
        if not case.wanted or set(target) == set(case.wanted):
            continue
        why = trouble(case.place, target, case.wanted)
        if why:
            plan.foreign.append(Foreign(case.place, [value for value in target if value not in case.wanted], why))
        else:
            plan.right.append(case.place)
    return plan


def _cases(wanted: List[Entry], present: Dict[Tuple[str, str], Present], owned: Set[Entry]) -> List[_Case]:
    places = OrderedDict()  # type: OrderedDict[Place, List[str]]
    for entry in wanted:
        places.setdefault(place(entry), []).append(entry.value)
    for entry in sorted(owned):
        places.setdefault(place(entry), [])
    return [_case(where, values, present.get((where.name, where.type)), owned) for where, values in places.items()]


def _case(where: Place, wanted: List[str], there: Optional[Present], owned: Set[Entry]) -> _Case:
    values = [value for value in there.values if place(Entry(where.name, where.type, value)) == where] if there else []
    ours = [value for value in values if Entry(where.name, where.type, value) in owned]
    # RFC 2181, 5.2: the records of a set have one TTL; with what others have there we keep theirs.
    return _Case(where, wanted, values, ours, there.ttl if there and there.values else TTL)


def _target(case: _Case) -> List[str]:
    """The values that shall be there, as far as that is ours to say."""
    theirs = [value for value in case.values if value not in case.ours]
    added = [value for value in case.wanted if value not in theirs]
    if not theirs or case.ours or case.place.type in _ADDITIVE:
        return theirs + added
    return theirs
