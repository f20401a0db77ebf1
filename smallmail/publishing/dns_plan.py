"""Plan what publishing changes: compare what is wanted, what exists, and what of that is ours. Pure."""
import re
from collections import OrderedDict
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

# Values have the form of answers.value_text().
Entry = NamedTuple("Entry", [("name", str), ("type", str), ("value", str)])

# What is compared as one: a record set, or those of a name's TXT records that have the same purpose.
Place = NamedTuple("Place", [("name", str), ("type", str), ("purpose", str)])
Present = NamedTuple("Present", [("values", List[str]), ("ttl", int)])
Change = NamedTuple("Change", [("place", Place), ("remove", List[str]), ("add", List[str]), ("ttl", int)])

# What others wrote and what does not do the work of ours.
Foreign = NamedTuple("Foreign", [("place", Place), ("values", List[str]), ("why", str)])

Plan = NamedTuple("Plan", [
    ("changes", List[Change]),
    ("right", List[Place]),     # written by others, different from ours, and correct
    ("foreign", List[Foreign]),
])

_Case = NamedTuple("_Case", [
    ("place", Place), ("wanted", List[str]), ("values", List[str]), ("ours", List[str]), ("ttl", int)])
TTL = 3600

# TXT records of which a name may have only one, by what they begin with. Any other TXT value is a purpose of its own.
_PURPOSES = [("SPF", r"v=spf1( |$)"), ("DMARC", r"v\s*=\s*DMARC1\s*(;|$)"), ("TLSRPT", r"v=TLSRPTv1\s*(;|$)")]
ADDRESSES = ("A", "AAAA")

# Types of which another record does no harm: of TLSA records any one may match (RFC 6698, 2.1).
_ADDITIVE = ("TLSA",)


def place(entry: Entry) -> Place:
    """Return the place of a record."""
    return Place(entry.name, entry.type, _purpose(entry))


def _purpose(entry: Entry) -> str:
    if entry.type != "TXT":
        return ""
    if "._domainkey." in entry.name:
        return "DKIM"   # RFC 6376, 3.6.2.2: one record at such a name, and v= may be missing
    return next((purpose for purpose, begins in _PURPOSES if re.match(begins, entry.value, re.IGNORECASE)), entry.value)


def has_one(where: Place) -> bool:
    """Tell whether a place may have only one record."""
    return where.type == "TXT"


def expected(wanted: List[Entry], present: Dict[Tuple[str, str], Present], owned: Set[Entry]) \
        -> "Dict[Tuple[str, str], List[str]]":
    """Return the record sets as they will be after publishing, with the records of others as they are."""
    found = OrderedDict((key, list(there.values)) for key, there in present.items())
    for case in _cases(wanted, present, owned):
        target, values = _target(case), found.setdefault((case.place.name, case.place.type), [])
        values[:] = [value for value in values if value not in case.values] + target
    return found


def decide(wanted: List[Entry], present: Dict[Tuple[str, str], Present], owned: Set[Entry],
           trouble: Callable[[Place, List[str], List[str]], str], replace: Iterable[Tuple[str, str]] = ()) -> Plan:
    """Plan the changes at all places where a record is wanted or ours.

    `present`: all record sets at those names and types. `trouble`: a function of a place, its values and the wanted
    ones, which returns what is wrong, or "" if the values do the same work. `replace`: (name, type) of records of
    others that ours shall replace.
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
    # RFC 2181, 5.2: all records of a set have the same TTL; if others have a record there, theirs counts.
    return _Case(where, wanted, values, ours, there.ttl if there and there.values else TTL)


def _target(case: _Case) -> List[str]:
    """Return the values after publishing: others' stay, and ours are added only beside ours, or if they do no harm."""
    theirs = [value for value in case.values if value not in case.ours]
    added = [value for value in case.wanted if value not in theirs]
    if not theirs or case.ours or case.place.type in _ADDITIVE:
        return theirs + added
    return theirs
