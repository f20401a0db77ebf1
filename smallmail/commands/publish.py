"""`smallmail dns publish`: shows what it would change in DNS, asks, sends it, and waits until it is visible."""
import argparse
import contextlib
import json
import sys
from collections import OrderedDict
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from smallmail import wanted_records
from smallmail.accounts import domains as mail_domains
from smallmail.errors import Problem, WrongUsage
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.publishing import dns_plan, published, serves, session, update
from smallmail.publishing.dns_plan import Change, Entry, Plan
from smallmail.settings import store
from smallmail.tls import tlsa
from smallmail.zones import dns_records

_PATIENCE = 120.0   # seconds until all name servers must show it

Ended = NamedTuple("Ended", [
    ("outcome", str),
    ("reading", Any),
    ("plan", Plan),
    ("notes", List[str]),
    ("refused", Dict[str, str]),    # why a zone was not changed
    ("late", List[str]),            # the name servers that do not show all of it yet
])


def publish(host: Host, options: argparse.Namespace) -> int:
    """Make DNS match the settings, as far as the records are ours. Returns 0 when all wanted records are there."""
    tell = _quiet if options.json else _aloud
    done = []   # type: List[Change]
    for _ in session.tries():
        reading, plan, notes = _proposal(host, options)
        tell("\n".join(diff(reading, plan, notes)))
        if plan.changes and not _may(options, tell):
            return _end(options, Ended("not published", reading, plan, notes, {}, []))
        with host.lock(path=state.PUBLISH_LOCK):
            sent = session.send(host, reading, plan)
        done += sent.changes
        if not sent.raced:
            break
        tell("\nSomeone else has just changed some of these records; they are read again:\n")
    late = []   # type: List[str]
    if done:
        tell("Published. Waiting until all name servers show it ...")
        late = session.wait(reading, done, _PATIENCE, tell)
        tell("Not everywhere yet." if late else "All name servers show it.")
        tlsa.look(host, store.load(host).hostname)  # from now on no other key may be served without its record
    return _end(options, Ended(_outcome(done, late, plan), reading, plan, notes, sent.refused, late))


def _outcome(done: List[Change], late: List[str], plan: Plan) -> str:
    """Return how it ended, in the words of --json."""
    if done:
        return "published, but not shown everywhere" if late else "published"
    return "not published" if plan.changes else "nothing to do"


def _proposal(host: Host, options: argparse.Namespace) -> Tuple[Any, Plan, List[str]]:
    """Return what DNS has, what to change, and what else there is to say."""
    settings = store.load(host)
    tlsa.look(host, settings.hostname)
    domains, belongs = _chosen(host, settings.hostname, options.names)
    records = [record for record in wanted_records.all_records(host, settings) if belongs(record.name)]
    unknown = [record.name for record in records if not record.value]
    wanted = [update.entry(record) for record in records if record.value]
    owned = [entry for entry in published.load(host) if belongs(entry.name)
             and not (entry.name in unknown and entry.type in dns_plan.ADDRESSES)]
    replace = _replaced(options.replace, wanted)
    reading = session.read(host, wanted + owned)
    if not reading.primaries and len(set(reading.skipped.values())) == 1:
        raise Problem(next(iter(reading.skipped.values())))
    judged = wanted_records.wanted(host, settings, domains)
    plan = session.propose(reading, wanted, owned, lambda ask, zone: serves.Judge(judged, ask, zone).trouble, replace)
    return reading, plan, ["{}: this host does not see its own public address (NAT): set its A record yourself"
                           .format(name) for name in unknown]


def _chosen(host: Host, hostname: str, names: List[str]) -> Tuple[List[str], Callable[[str], bool]]:
    """Return the mail domains that these words mean, and whether a name belongs to one of them or to the host.

    A word may be a domain that was removed, as long as records of it are published. Raises WrongUsage for any other
    word.
    """
    own = mail_domains.domains(host)
    words = mail_domains.chosen(host, names, lambda word: any(
        _below(entry.name, word) for entry in published.load(host)))
    heads = own + words + [hostname]

    def belongs(name: str) -> bool:
        above = [head for head in heads if _below(name, head)]
        return not names or (max(above, key=len) if above else "") in words + [hostname]

    return [domain for domain in own if domain in words], belongs


def _below(name: str, domain: str) -> bool:
    return ("." + name).endswith("." + domain)


def _replaced(given: List[List[str]], wanted: List[Entry]) -> List[Tuple[str, str]]:
    found = [(name.lower().rstrip("."), kind.upper()) for name, kind in given]
    for name, kind in found:
        if not any((entry.name, entry.type) == (name, kind) for entry in wanted):
            raise WrongUsage("smallmail does not want the record {} {}: 'smallmail dns show' lists those that it wants"
                             .format(name, kind))
    return found


def _may(options: argparse.Namespace, tell: Callable[[str], None]) -> bool:
    if options.yes:
        return True
    if options.json or not sys.stdin.isatty():
        tell("\nNothing was published: 'smallmail dns publish --yes' does it.")
        return False
    with contextlib.suppress(EOFError):
        if input("\nPublish? [y/N] ").strip().lower() in ("y", "yes"):
            return True
    tell("Nothing was published.")
    return False


def diff(reading: Any, plan: Plan, notes: List[str]) -> List[str]:
    """Return what would change, zone by zone; then what is left as it is, and why."""
    lines = []
    for zone, primary in reading.primaries.items():
        changes = [change for change in plan.changes if reading.zones[change.place.name] == zone]
        if changes:
            lines.append("Zone {}, at {}:".format(zone, primary.label))
        for change in changes:
            lines += ["- " + line for line in _lines(change, change.remove)]
            lines += ["+ " + line for line in _lines(change, change.add)]
    if not plan.changes:
        lines.append("Nothing for smallmail to change." if plan.foreign else "Nothing to do.")
    lines += ["Correct already (not written by smallmail): {} {}".format(place.name, _kind(place))
              for place in plan.right]
    for foreign in plan.foreign:
        lines += ["Left alone (not written by smallmail): {} {}: {}".format(
            foreign.place.name, _kind(foreign.place), foreign.why)]
        lines += ["    " + value for value in foreign.values]
        lines += ["  > smallmail dns publish --replace {} {}".format(foreign.place.name, foreign.place.type)]
    return lines + ["Left out: " + note for note in _left_out(reading) + notes]


def _left_out(reading: Any) -> List[str]:
    """Return one line for all names that are left out for the same reason."""
    by_reason = OrderedDict()   # type: OrderedDict[str, List[str]]
    for name, why in reading.skipped.items():
        by_reason.setdefault(why, []).append(name)
    return ["{}: {}".format(", ".join(names), why) for why, names in by_reason.items()]


def _kind(place: dns_plan.Place) -> str:
    return "TXT ({})".format(place.purpose) if place.purpose else place.type


def _lines(change: Change, values: List[str]) -> List[str]:
    return ["{}. {} {} {}".format(change.place.name, change.ttl, change.place.type, dns_records.zone_value(
        dns_records.Record(change.place.name, change.place.type, value, ""))) for value in values]


def _end(options: argparse.Namespace, end: Ended) -> int:
    """Print how it ended. Returns the exit code."""
    if options.json:
        print(json.dumps(_data(end), indent=2, ensure_ascii=False))
    troubles = list(end.refused.values())
    if end.late:
        troubles.append("published, but after {:.0f} s these name servers did not show all of it: {}; 'smallmail dns"
                        " check' asks them again".format(_PATIENCE, ", ".join(end.late)))
    for sentence in troubles:
        print("smallmail: " + sentence, file=sys.stderr)
    return 1 if troubles or end.outcome == "not published" or end.plan.foreign or end.reading.skipped else 0


def _data(end: Ended) -> Dict[str, Any]:
    changes = [OrderedDict([("zone", end.reading.zones[change.place.name]), ("name", change.place.name),
                            ("type", change.place.type), ("ttl", change.ttl), ("remove", change.remove),
                            ("add", change.add)]) for change in end.plan.changes]
    foreign = [OrderedDict([("name", each.place.name), ("type", each.place.type), ("values", each.values),
                            ("why", each.why)]) for each in end.plan.foreign]
    right = [OrderedDict([("name", place.name), ("type", place.type)]) for place in end.plan.right]
    return OrderedDict([("outcome", end.outcome), ("changes", changes), ("right", right), ("foreign", foreign),
                        ("skipped", end.reading.skipped), ("notes", end.notes), ("refused", end.refused),
                        ("late", end.late)])


def _aloud(text: str) -> None:
    print(text, flush=True)


def _quiet(_: str) -> None:
    """Print nothing: --json is one document."""
