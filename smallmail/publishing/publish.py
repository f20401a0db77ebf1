"""Records in DNS by dynamic update, for whoever has some to set: only where nothing stands, or what is ours."""
from typing import Any, Callable, List

from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.publishing import dns_plan, name_servers, published, serves
from smallmail.publishing.dns_plan import Entry
from smallmail.zones import dns_records

_TRIES = 3


def managed(host: Host, name: str) -> bool:
    """Whether put() and withdraw() are ours to use for that name: updates of its zone are set up, and we have
    published there before. Asks nobody."""
    zones = {zone for zone in published.load(host).values() if ("." + name).endswith("." + zone)}
    try:
        return bool(zones and name_servers.for_zone(name_servers.load(host), max(zones, key=len)))
    except Problem:
        return False


def put(host: Host, records: List[dns_records.Record]) -> None:
    """See to it that these records are there. Of a kind of which a name may have but one (TXT: SPF, a DKIM key, ...)
    ours gives way, beside all else it is added. Does not wait until all name servers show them. Raises Problem, also
    where another's record that does not serve is in the place."""
    def wanted(there: List[Entry], given: List[Entry]) -> List[Entry]:
        return given + [entry for entry in there if entry not in given and not dns_plan.has_one(dns_plan.place(entry))]

    plan = _change(host, records, wanted)
    if plan.foreign:
        raise Problem("{0.name} {0.type}: what others wrote there stays, but {1}: 'smallmail dns publish --replace"
                      " {0.name} {0.type}' replaces it".format(plan.foreign[0].place, plan.foreign[0].why))


def withdraw(host: Host, records: List[dns_records.Record]) -> None:
    """See to it that these records are gone. Raises Problem, also where one of them is not ours."""
    _change(host, records, lambda there, given: [entry for entry in there if entry not in given], withdrawing=True)


def _change(host: Host, records: List[dns_records.Record], wanted: Callable[[List[Entry], List[Entry]], List[Entry]],
            withdrawing: bool = False) -> Any:
    """`wanted` makes of ours that is there at these places, and of what is given, what shall be there."""
    # Every verb would wait for dnspython: loading it takes a tenth of a second.
    from smallmail.publishing import session, update  # noqa: PLC0415

    given = [update.entry(record) for record in records]
    places = {dns_plan.place(entry) for entry in given}
    with host.lock(path=state.PUBLISH_LOCK):
        for _ in range(_TRIES):
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
                return plan
    raise Problem("somebody else changes the same records all the time: try again when that is done")


def _refuse_foreign(entries: List[Entry]) -> None:
    if entries:
        raise Problem("the {0.type} record of {0.name} was not written by smallmail: remove it where you set it".format(
            entries[0]))
