"""What `smallmail dns publish` does: shows what it would change, asks, sends, waits."""
import argparse
import json
import sys
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Tuple

from smallmail import dns, dnsplan, ownership, report, store
from smallmail import publish as publishing
from smallmail.dnsplan import Change, Entry, Plan
from smallmail.errors import Problem
from smallmail.host import Host

_PATIENCE = 120.0   # seconds until all name servers must show it
_TRIES = 3

_ADDRESSES = ("A", "AAAA")


def publish(host: Host, options: argparse.Namespace) -> int:
    """Bring DNS to what the settings say, as far as that is ours; the exit code: 0 when all of it is there."""
    # Every verb would wait for dnspython: loading it takes a tenth of a second.
    from smallmail import publisher, rfc2136  # noqa: PLC0415

    tell = _quiet if options.json else _aloud
    for _ in range(_TRIES):
        reading, plan, notes = _proposal(host, options)
        tell("\n".join(diff(reading, plan, notes)))
        if plan.changes and not _may(options, tell):
            return _end(options, reading, plan, notes, "not published", 1)
        try:
            with host.lock(name=publishing.LOCK):
                publisher.send(host, reading, plan)
            break
        except rfc2136.Changed:
            tell("\nSomebody else has changed these records just now; nothing was published. They are read again:\n")
    else:
        raise Problem("somebody else changes the same records all the time: try again when that is done")
    if not plan.changes:
        return _end(options, reading, plan, notes, "nothing to do", 1 if plan.foreign or reading.skipped else 0)
    tell("Published. Waiting until all name servers show it ...")
    late = publisher.wait(reading, plan.changes, _PATIENCE, tell)
    if late:
        raise Problem("published, but after {:.0f} s these name servers did not show all of it: {}; 'smallmail dns"
                      " check' asks them again".format(_PATIENCE, ", ".join(late)))
    tell("All name servers show it.")
    return _end(options, reading, plan, notes, "published", 1 if plan.foreign or reading.skipped else 0)


def _proposal(host: Host, options: argparse.Namespace) -> Tuple[Any, Plan, List[str]]:
    """What there is, what to change, and what else there is to say."""
    from smallmail import publisher, rfc2136  # noqa: PLC0415

    settings = store.load(host)
    domains, belongs = chosen(host, settings.hostname, options.names)
    records = [record for record in report.all_records(host, settings) if belongs(record.name)]
    unknown = [record.name for record in records if not record.value]
    wanted = [rfc2136.entry(record) for record in records if record.value]
    owned = [entry for entry in ownership.load(host) if belongs(entry.name)
             and not (entry.name in unknown and entry.type in _ADDRESSES)]
    replace = _replaced(options.replace, wanted)
    reading = publisher.read(host, wanted + owned)
    plan = publisher.propose(reading, wanted, owned, report.wanted(host, settings, domains), replace)
    return reading, plan, ["{}: this host does not see its own public address (NAT): set its A record yourself"
                           .format(name) for name in unknown]


def chosen(host: Host, hostname: str, names: List[str]) -> Tuple[List[str], Callable[[str], bool]]:
    """The mail domains meant by these words (all, when there are none), and whether a name belongs to one of them or
    to the host. A domain that is none any more counts as long as records of it are ours. Raises Problem."""
    domains = report.domains(host)
    words = [name.lower().rstrip(".") for name in names]
    for word in words:
        if word not in domains and not any(_below(entry.name, word) for entry in ownership.load(host)):
            raise Problem("{} is no mail domain of this host: 'smallmail domain list' shows them".format(word))
    heads = domains + words + [hostname]

    def belongs(name: str) -> bool:
        above = [head for head in heads if _below(name, head)]
        return not words or (max(above, key=len) if above else "") in words + [hostname]

    return [domain for domain in domains if not words or domain in words], belongs


def _below(name: str, domain: str) -> bool:
    return ("." + name).endswith("." + domain)


def _replaced(given: List[List[str]], wanted: List[Entry]) -> List[Tuple[str, str]]:
    found = [(name.lower().rstrip("."), kind.upper()) for name, kind in given]
    for name, kind in found:
        if not any((entry.name, entry.type) == (name, kind) for entry in wanted):
            raise Problem("smallmail has no {} record for {} to put in another's place: 'smallmail dns show' has all"
                          .format(kind, name))
    return found


def _may(options: argparse.Namespace, tell: Callable[[str], None]) -> bool:
    if options.yes:
        return True
    if options.json or not sys.stdin.isatty():
        tell("\nNothing was published: 'smallmail dns publish --yes' does it.")
        return False
    return input("\nPublish? [y/N] ").strip().lower() in ("y", "yes")


def diff(reading: Any, plan: Plan, notes: List[str]) -> List[str]:
    """What would change, for a human eye, zone by zone; then what is left as it is, and why."""
    lines = []
    for zone, primary in reading.primaries.items():
        changes = [change for change in plan.changes if reading.zones[change.place.name] == zone]
        lines += ["Zone {}, at {}:".format(zone, primary.label)] if changes else []
        for change in changes:
            lines += ["- " + line for line in _lines(change, change.remove)]
            lines += ["+ " + line for line in _lines(change, change.add)]
    lines += [] if plan.changes else ["Nothing to do."] if not plan.foreign else ["Nothing that is smallmail's to do."]
    lines += ["Right already, as others wrote it: {} {}".format(place.name, _kind(place)) for place in plan.right]
    for foreign in plan.foreign:
        lines += ["Not touched, for others wrote it: {} {}: {}".format(
            foreign.place.name, _kind(foreign.place), foreign.why)]
        lines += ["    " + value for value in foreign.values]
        lines += ["  > smallmail dns publish --replace {} {}".format(foreign.place.name, foreign.place.type)]
    return lines + ["Left out: " + note for note in _left_out(reading) + notes]


def _left_out(reading: Any) -> List[str]:
    """One line for all names that the same keeps from being written."""
    by_reason = OrderedDict()   # type: OrderedDict[str, List[str]]
    for name, why in reading.skipped.items():
        by_reason.setdefault(why, []).append(name)
    return ["{}: {}".format(", ".join(names), why) for why, names in by_reason.items()]


def _kind(place: dnsplan.Place) -> str:
    return "TXT ({})".format(place.purpose) if place.purpose else place.type


def _lines(change: Change, values: List[str]) -> List[str]:
    return ["{}. {} {} {}".format(change.place.name, change.ttl, change.place.type, dns.zone_value(
        dns.Record(change.place.name, change.place.type, value, ""))) for value in values]


def _end(options: argparse.Namespace, reading: Any, plan: Plan, notes: List[str], outcome: str, code: int) -> int:
    if options.json:
        print(json.dumps(_data(reading, plan, notes, outcome), indent=2, ensure_ascii=False))
    return code


def _data(reading: Any, plan: Plan, notes: List[str], outcome: str) -> Dict[str, Any]:
    changes = [OrderedDict([("zone", reading.zones[change.place.name]), ("name", change.place.name),
                            ("type", change.place.type), ("ttl", change.ttl), ("remove", change.remove),
                            ("add", change.add)]) for change in plan.changes]
    foreign = [OrderedDict([("name", each.place.name), ("type", each.place.type), ("values", each.values),
                            ("why", each.why)]) for each in plan.foreign]
    right = [OrderedDict([("name", place.name), ("type", place.type)]) for place in plan.right]
    return OrderedDict([("outcome", outcome), ("changes", changes), ("right", right), ("foreign", foreign),
                        ("skipped", reading.skipped), ("notes", notes)])


def _aloud(text: str) -> None:
    print(text, flush=True)


def _quiet(_: str) -> None:
    """For --json: one document, nothing beside it."""
