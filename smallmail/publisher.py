"""From records to updates: find their zones, read what is there, plan, send, and wait until every server shows it."""
import functools
import time
from collections import OrderedDict
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Set, Tuple  # noqa: F401 (in type comments)

from smallmail import answers, credentials, dnscheck, dnsjudge, dnsplan, ownership, shown
from smallmail.answers import Answer, Unanswered
from smallmail.authority import Authority
from smallmail.dnsplan import Change, Entry, Plan, Present
from smallmail.host import Host
from smallmail.rfc2136 import Changed, Primary, Refused

_PAUSE = 2.0        # seconds between two looks at the name servers
_LOOK = 20.0        # seconds that one look may take
_TELL_EVERY = 15.0  # seconds

Reading = NamedTuple("Reading", [
    ("zones", Dict[str, str]),      # the zone of each name that can be written
    ("primaries", Dict[str, Primary]),  # by zone
    ("seen", Dict[Tuple[str, str], Any]),           # by name and type: the record set as the name server has it
    ("present", Dict[Tuple[str, str], Present]),    # the same, as dnsplan has it
    ("refused", Dict[str, str]),    # why a zone cannot be written
    ("skipped", Dict[str, str]),    # why a name cannot be written
])


def read(host: Host, entries: Iterable[Entry]) -> Reading:
    """What there is now of these names and types, at the servers that take updates. Raises Problem."""
    servers, authority = credentials.load(host), Authority([])
    reading = Reading({}, OrderedDict(), {}, {}, {}, OrderedDict())
    for name, kind in OrderedDict(((entry.name, entry.type), None) for entry in entries):
        if name in reading.skipped:
            continue
        why = _locate(reading, servers, authority, name) if name not in reading.zones else ""
        if not why:
            why = _look(reading, name, kind)
        if why:
            reading.skipped[name] = why
            for key in [key for key in reading.present if key[0] == name]:
                del reading.present[key]
    return reading


def _locate(reading: Reading, servers: Dict[str, credentials.NameServer], authority: Authority, name: str) -> str:
    """Find a name's zone and who takes its updates; why that is not possible."""
    try:
        zone = authority.apex(name)
        if "." not in zone.strip("."):
            return "its domain has no name servers: register it, or set its name servers at your registrar"
        if zone not in reading.primaries and zone not in reading.refused:
            _introduce(reading, servers, zone)
    except Unanswered as error:
        return str(error)
    if zone in reading.primaries:
        reading.zones[name] = zone
    return reading.refused.get(zone, "")


def _introduce(reading: Reading, servers: Dict[str, credentials.NameServer], zone: str) -> None:
    """Find out whether there is a server that takes updates of the zone."""
    server = credentials.for_zone(servers, zone)
    primary = Primary(server, zone) if server else None
    why = primary.obstacle() if primary else \
        "/{} names no name server that takes updates of the zone {}: write one into a section [{}]".format(
            credentials.PATH, zone, zone)
    if primary and not why:
        reading.primaries[zone] = primary
    else:
        reading.refused[zone] = why


def _look(reading: Reading, name: str, kind: str) -> str:
    """Remember what is there; why it cannot be changed."""
    primary = reading.primaries[reading.zones[name]]
    found = primary.read(name, kind)
    if found.alias:
        return "it is an alias (CNAME) for {}, and nothing else can stand beside that".format(found.alias)
    if found.elsewhere:
        return "the name server {} does not serve it: it is delegated to others".format(primary.label)
    values = [answers.value_text(rdata) for rdata in found.rrset or []]
    reading.seen[name, kind] = found.rrset
    reading.present[name, kind] = Present(values, found.rrset.ttl if found.rrset else 0)
    return ""


def propose(reading: Reading, wanted: List[Entry], owned: Iterable[Entry], judged: dnscheck.Wanted,
            replace: Iterable[Tuple[str, str]] = ()) -> Plan:
    """What to change so that these are there, and of ours nothing else. `judged`: by what others' records are judged;
    `replace`: names and types of others' records that are to give way."""
    writable = [entry for entry in wanted if entry.name not in reading.skipped]
    ours = {entry for entry in owned if entry.name not in reading.skipped}
    expected, authority = dnsplan.expected(writable, reading.present, ours), Authority([])

    def ask(name: str, kind: str) -> Answer:
        key = (name.lower().rstrip("."), kind)
        return answers.answer(expected[key]) if key in expected else authority.ask(name, kind)

    judge = dnsjudge.Judge(judged, ask, authority.zone)

    def trouble(place: dnsplan.Place, values: List[str], instead: List[str]) -> str:
        try:
            return judge.trouble(place, values, instead)
        except Unanswered as error:
            return str(error)

    return dnsplan.decide(writable, reading.present, ours, trouble, replace)


def send(host: Host, reading: Reading, plan: Plan) -> None:
    """Make the changes, one message a zone, and remember what is ours. The caller holds the lock. Raises Changed when
    somebody else was quicker, Problem."""
    for zone, primary in reading.primaries.items():
        changes = [change for change in plan.changes if reading.zones[change.place.name] == zone]
        before = ownership.load(host)
        added = OrderedDict((Entry(change.place.name, change.place.type, value), zone)
                            for change in changes for value in change.add)
        # First, so that a power cut leaves no record that nobody knows to be ours.
        ownership.save(host, _joined(before, added))
        try:
            if changes:
                primary.update(changes, reading.seen)
        except (Changed, Refused):
            ownership.save(host, before)
            raise
        gone = {Entry(change.place.name, change.place.type, value) for change in changes for value in change.remove}
        kept = OrderedDict((entry, where) for entry, where in before.items()
                           if entry not in gone and _may_be_there(reading, entry))
        ownership.save(host, _joined(kept, added))


def _joined(first: Dict[Entry, str], second: Dict[Entry, str]) -> Dict[Entry, str]:
    found = OrderedDict(first)
    found.update(second)
    return found


def _may_be_there(reading: Reading, entry: Entry) -> bool:
    there = reading.present.get((entry.name, entry.type))
    return there is None or entry.value in there.values


def wait(reading: Reading, changes: List[Change], seconds: float, tell: Callable[[str], None]) -> List[str]:
    """Wait until all name servers of the zones show the changes; those that do not in time, in words."""
    deadline, told = time.monotonic() + seconds, time.monotonic()
    zones = sorted({reading.zones[change.place.name] for change in changes})
    while True:
        authority = Authority(zones, patience=_LOOK)
        late = OrderedDict()    # type: OrderedDict[str, None]
        left = []
        for change in changes:
            servers = shown.lacking(authority, change.place.name, change.place.type, functools.partial(_done, change))
            late.update((server, None) for server in servers)
            left += [change] if servers else []
        for zone in zones:
            late.update((server, None) for server in shown.silent(authority, zone))
        changes = left
        if not late or time.monotonic() > deadline:
            return list(late)
        if time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            tell("Not yet: {}".format(", ".join(late)))
        time.sleep(_PAUSE)


def _done(change: Change, values: List[str]) -> bool:
    return set(change.add) <= set(values) and not set(change.remove) & set(values)
