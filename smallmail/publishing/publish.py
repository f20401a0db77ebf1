"""Publish records by dynamic update, for the rooms dkim and tls.

Adds a record only where none exists, and replaces or deletes only records that smallmail itself published.
"""
from typing import Any, Callable, List

from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.publishing import dns_plan, name_servers, published, serves
from smallmail.publishing.dns_plan import Entry
from smallmail.zones import dns_records


def may_update(host: Host, name: str) -> bool:
    """Tell whether put() and withdraw() may be used for that name: updates of its zone are set up, and smallmail has
    published records there before. Does not use the network."""
    zones = {zone for zone in published.load(host).values() if ("." + name).endswith("." + zone)}
    try:
        return bool(zones and name_servers.for_zone(name_servers.load(host), max(zones, key=len)))
    except Problem:
        return False


def put(host: Host, records: List[dns_records.Record]) -> None:
    """Publish these records. They replace ours where a name may have only one (TXT: SPF, a DKIM key, …), and are added
    to ours otherwise. Does not wait until all name servers show them. Raises Problem, also if a record of others is in
    the way."""
    def wanted(there: List[Entry], given: List[Entry]) -> List[Entry]:
        return given + [entry for entry in there if entry not in given and not dns_plan.has_one(dns_plan.place(entry))]

    plan = _change(host, records, wanted)
    if plan.foreign:
        raise Problem("{0.name} {0.type}: {1}; smallmail did not write this record and keeps it: 'smallmail dns publish"
                      " --replace {0.name} {0.type}' replaces it".format(plan.foreign[0].place, plan.foreign[0].why))


def withdraw(host: Host, records: List[dns_records.Record]) -> None:
    """Delete these records. Raises Problem, also if one of them is not ours."""
    _change(host, records, lambda there, given: [entry for entry in there if entry not in given], withdrawing=True)


def _change(host: Host, records: List[dns_records.Record], wanted: Callable[[List[Entry], List[Entry]], List[Entry]],
            withdrawing: bool = False) -> Any:
    """Change our records at the places of these. `wanted`: a function of our records there and of these, which returns
    what shall be there. Returns the plan that was carried out; raises Problem."""
    # Importing this module must not load dnspython, which takes several times as long as Python to start.
    from smallmail.publishing import session, update  # noqa: PLC0415

    given = [update.entry(record) for record in records]
    places = {dns_plan.place(entry) for entry in given}
    with host.lock(path=state.PUBLISH_LOCK):
        for _ in session.tries():
            owned = {entry for entry in published.load(host) if dns_plan.place(entry) in places}
            reading = session.read(host, given)
            for name, why in reading.skipped.items():
                raise Problem("{}: {}".format(name, why))
            there = [entry for entry in sorted(owned) if entry.value in reading.present[entry.name, entry.type].values]
            if withdrawing:
                _refuse_foreign([entry for entry in given if entry not in owned
                                 and entry.value in reading.present[entry.name, entry.type].values])
            plan = session.propose(reading, wanted(there, given), owned, lambda *_: serves.alone)
            sent = session.send(host, reading, plan)
            for why in sent.refused.values():
                raise Problem(why)
            if not sent.raced:
                break
    return plan


def _refuse_foreign(entries: List[Entry]) -> None:
    if entries:
        raise Problem("the {0.type} record of {0.name} was not written by smallmail: remove it where you set it".format(
            entries[0]))
