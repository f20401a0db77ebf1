"""Carry out updates: find the zones of records, read what exists, plan, send, and wait until all servers show it."""
import functools
import time
from collections import OrderedDict
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Set, Tuple

from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.publishing import dns_plan, name_servers, published, serves
from smallmail.publishing.dns_plan import Change, Entry, Plan, Present
from smallmail.publishing.update import Changed, Primary, Refused
from smallmail.zones import answers, visible
from smallmail.zones.answers import Answer, Unanswered
from smallmail.zones.authority import Authority

_PAUSE = 2.0        # seconds between two looks at the name servers
_LOOK = 20.0        # seconds that one look may take
_TELL_EVERY = 15.0  # seconds
_TRIES = 3          # how often an update is tried while others change the same records

Reading = NamedTuple("Reading", [
    ("owned", Set[Entry]),          # our records at the time of reading
    ("zones", Dict[str, str]),      # the zone of each name that can be written
    ("primaries", Dict[str, Primary]),  # by zone
    ("seen", Dict[Tuple[str, str], Any]),           # by name and type: the record set as the name server has it
    ("present", Dict[Tuple[str, str], Present]),    # the same, in the form of dns_plan
    ("refused", Dict[str, str]),    # why a zone cannot be written
    ("unreached", Dict[name_servers.NameServer, str]),   # why a server cannot be asked
    ("skipped", Dict[str, str]),    # why a name cannot be written
    ("aliases", Set[str]),          # those of them that are aliases (CNAME)
])

Sent = NamedTuple("Sent", [
    ("changes", List[Change]),      # those that were made
    ("refused", Dict[str, str]),    # why a zone was not changed
    ("raced", bool),                # someone else changed a zone meanwhile: read it again
])


def tries() -> Iterator[int]:
    """Count the tries of an update, for a loop that ends when nobody else was quicker: a try reads, plans and sends.
    Raises Problem when there is none left."""
    yield from range(1, _TRIES + 1)
    raise Problem("someone else keeps changing the same records: try again later")


def read(host: Host, entries: Iterable[Entry]) -> Reading:
    """Read the records of these names and types at the servers that take updates. Raises Problem."""
    servers, authority = name_servers.load(host), Authority([])
    reading = Reading(set(published.load(host)), {}, OrderedDict(), {}, {}, {}, {}, OrderedDict(), set())
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
    for zone, primary in reading.primaries.items():
        for key in primary.synthesized([key for key in reading.present if reading.zones[key[0]] == zone
                                        and reading.seen[key]]):
            reading.seen[key], reading.present[key] = None, Present([], 0)
    return reading


def _locate(reading: Reading, servers: Dict[str, name_servers.NameServer], authority: Authority, name: str) -> str:
    """Find a name's zone and the server that takes its updates. Returns why that is not possible, or ""."""
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


def _introduce(reading: Reading, servers: Dict[str, name_servers.NameServer], zone: str) -> None:
    """Find the server that takes updates of the zone; if there is none, other zones can still be updated."""
    server = name_servers.for_zone(servers, zone)
    if server is None:
        reading.refused[zone] = "/{} names no name server that takes updates of the zone {}: write one into a section" \
            " [{}]".format(name_servers.PATH, zone, zone)
        return
    try:
        primary = Primary(server, zone)
        why = reading.unreached.get(server, "") or primary.obstacle()
    except Refused as error:
        why = str(error)
    except Problem as error:    # remembered, so as to wait for this server only once
        why = reading.unreached[server] = str(error)
    if why:
        reading.refused[zone] = why
    else:
        reading.primaries[zone] = primary


def _look(reading: Reading, name: str, kind: str) -> str:
    """Read the records of one name and type into `reading`. Returns why they cannot be changed, or ""."""
    primary = reading.primaries[reading.zones[name]]
    try:
        found = primary.read(name, kind)
    except Refused as error:
        return str(error)
    if found.alias:
        reading.aliases.add(name)
        return "it is an alias (CNAME) for {}, which allows no other record at this name".format(found.alias)
    if found.elsewhere:
        return "the name server {} does not serve it: it is delegated to others".format(primary.label)
    values = [answers.value_text(rdata) for rdata in found.rrset or []]
    reading.seen[name, kind] = found.rrset
    reading.present[name, kind] = Present(values, found.rrset.ttl if found.rrset else 0)
    return ""


def propose(reading: Reading, wanted: List[Entry], owned: Iterable[Entry], judging: serves.Judging,
            replace: Iterable[Tuple[str, str]] = ()) -> Plan:
    """Plan the changes after which these records exist, and no others of ours. `judging` makes the judge of others'
    records; `replace`: names and types of others' records that ours shall replace."""
    writable = [entry for entry in wanted if entry.name not in reading.skipped]
    ours = {entry for entry in owned if entry.name not in reading.skipped}
    expected, authority = dns_plan.expected(writable, reading.present, ours), Authority([])

    def ask(name: str, kind: str) -> Answer:
        key = (name.lower().rstrip("."), kind)
        return answers.answer(expected[key]) if key in expected else authority.ask(name, kind)

    judge = judging(ask, authority.zone)

    def trouble(place: dns_plan.Place, values: List[str], instead: List[str]) -> str:
        try:
            return judge(place, values, instead)
        except Unanswered as error:
            return str(error)

    plan = dns_plan.decide(writable, reading.present, ours, trouble, replace)
    plan.right.extend(_served_elsewhere(reading, wanted, authority, trouble))
    return plan


def _served_elsewhere(reading: Reading, wanted: List[Entry], authority: Authority,
                      trouble: Callable[[dns_plan.Place, List[str], List[str]], str]) -> Iterator[dns_plan.Place]:
    """Yield the places at aliases whose targets have correct records; then their names are no longer skipped. (The
    host's own name must have addresses of its own: RFC 2181, 10.3.)"""
    for name in sorted(reading.aliases):
        places = OrderedDict()  # type: OrderedDict[dns_plan.Place, List[str]]
        for entry in wanted:
            if entry.name == name:
                places.setdefault(dns_plan.place(entry), []).append(entry.value)
        if all(_serves(authority, place, instead, trouble) for place, instead in places.items()):
            del reading.skipped[name]
            yield from places


def _serves(authority: Authority, place: dns_plan.Place, instead: List[str],
            trouble: Callable[[dns_plan.Place, List[str], List[str]], str]) -> bool:
    try:
        values = authority.ask(place.name, place.type).values
    except Unanswered:
        return False
    return bool(values) and place.type not in dns_plan.ADDRESSES and not trouble(place, values, instead)


def send(host: Host, reading: Reading, plan: Plan) -> Sent:
    """Send the changes, one message for each zone, and remember what is ours. An error in one zone does not stop the
    others. The caller holds the lock."""
    sent, raced = Sent([], OrderedDict(), False), False
    for zone, primary in reading.primaries.items():
        changes = [change for change in plan.changes if reading.zones[change.place.name] == zone]
        try:
            _send(host, reading, zone, primary, changes)
            sent.changes.extend(changes)
        except Changed:
            raced = True
        except Problem as error:
            sent.refused[zone] = str(error)
    return sent._replace(raced=raced)


def _send(host: Host, reading: Reading, zone: str, primary: Primary, changes: List[Change]) -> None:
    before = published.load(host)
    added = OrderedDict((Entry(change.place.name, change.place.type, value), zone)
                        for change in changes for value in change.add)
    # This comes first: after a power cut all records that we sent must be known as ours.
    published.save(host, _joined(before, added))
    try:
        if changes:
            primary.update(changes, reading.seen)
    except (Changed, Refused):
        published.save(host, before)
        raise
    gone = {Entry(change.place.name, change.place.type, value) for change in changes for value in change.remove}
    kept = OrderedDict((entry, where) for entry, where in before.items()
                       if entry not in gone and _may_be_there(reading, entry))
    published.save(host, _joined(kept, added))


def _joined(first: Dict[Entry, str], second: Dict[Entry, str]) -> Dict[Entry, str]:
    found = OrderedDict(first)
    found.update(second)
    return found


def _may_be_there(reading: Reading, entry: Entry) -> bool:
    """Tell whether one of our records may still exist: it was there when we read, or became ours after that."""
    there = reading.present.get((entry.name, entry.type))
    return there is None or entry.value in there.values or entry not in reading.owned


def wait(reading: Reading, changes: List[Change], seconds: float, tell: Callable[[str], None]) -> List[str]:
    """Wait until all name servers of the zones show the changes. Returns those that do not in time, in words."""
    deadline, told = time.monotonic() + seconds, time.monotonic()
    zones = sorted({reading.zones[change.place.name] for change in changes})
    while True:
        authority = Authority(zones, patience=_LOOK)
        late = OrderedDict()    # type: OrderedDict[str, None]
        left = []
        for change in changes:
            servers = visible.lacking(authority, change.place.name, change.place.type, functools.partial(_done, change))
            late.update((str(server), None) for server in servers)
            left += [change] if servers else []
        for zone in zones:
            late.update((str(server), None) for server in visible.silent(authority, zone))
        changes = left
        if not late or time.monotonic() > deadline:
            return list(late)
        if time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            tell("Not yet: {}".format(", ".join(late)))
        time.sleep(_PAUSE)


def _done(change: Change, values: List[str]) -> bool:
    return set(change.add) <= set(values) and not set(change.remove) & set(values)
