"""Remember which records in DNS are ours: those that smallmail published, each with its value.

If the file is lost or damaged, all records count as written by others: smallmail does not change or delete them any
more, and `smallmail dns publish --replace` makes them ours again.
"""
import contextlib
from collections import OrderedDict
from typing import Dict

from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.publishing.dns_plan import Entry


def load(host: Host) -> Dict[Entry, str]:
    """Load our records, each with its zone."""
    with contextlib.suppress(KeyError, TypeError):
        return OrderedDict((Entry(each["name"], each["type"], each["value"]), each["zone"])
                           for each in state_files.load_json(host, state.PUBLISHED, []))
    return OrderedDict()


def save(host: Host, owned: Dict[Entry, str]) -> None:
    """Save our records, each with its zone, unless nothing changed."""
    if owned == load(host):
        return
    data = [OrderedDict([("zone", zone), ("name", entry.name), ("type", entry.type), ("value", entry.value)])
            for entry, zone in sorted(owned.items())]
    state_files.save_json(host, state.PUBLISHED, data)
