"""Tell whose the record is that lies with the accounts: this machine's, or another one's, out of a backup."""
import json
from collections import OrderedDict
from typing import Dict  # noqa: F401 (in a type comment)

from smallmail.configuration import plan, record
from smallmail.configuration.record import Entry, Record  # noqa: F401 (Entry: in a type comment)
from smallmail.daemons import table
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Host


def text(host: Host) -> str:
    """Return the record of this machine, or what a removal left of it; "" if there is none."""
    found, own = host.text(state.RECORD), host.text(state.OWN_RECORD)
    if not found:
        return host.text(state.LEFT)
    if not own:
        return "" if is_another_machines(host) else found
    # 0.6.0, to which somebody has gone back meanwhile, knows the first one only, and that is then the better one.
    return found if found != own and _fitting(host, found) > _fitting(host, own) else own


def is_another_machines(host: Host) -> bool:
    """Tell whether the record that lies with the accounts is that of another machine. Raises Problem if it is
    damaged."""
    found = host.text(state.RECORD)
    if not found or host.exists(state.OWN_RECORD):
        return False
    # Not those that another package makes, too.
    names = [name for name in record.own_files(record.loads(found))
             if table.reader(name) and name not in plan.SHARED_FILES]
    return bool(names) and not any(host.exists(name) for name in names)


def is_due(host: Host) -> bool:
    """Tell whether the state was put here from a backup, and is not this machine's yet."""
    if _is_cut_off(host):
        return False    # transaction.undo() comes first
    found = host.text(state.RECORD)
    return host.exists(state.ARRIVED) or (bool(found) and text(host) != found)


def _is_cut_off(host: Host) -> bool:
    """Tell whether an apply on this machine was cut off, so that the two copies of the record may differ. The journal
    of another machine knows another second copy."""
    own = host.file(state.OWN_RECORD)
    try:
        change = json.loads(host.text(state.JOURNAL)).get(state.OWN_RECORD)
    except ValueError:
        return False
    return own is not None and change is not None and record.fingerprint(own) in (
        change["new"], record.fingerprint(record.file_from_json(change["old"])))


def _fitting(host: Host, text: str) -> int:
    """Return how many files of this host are as that record says that smallmail wrote them."""
    try:
        entries = record.loads(text).entries["files"]
    except Problem:
        return 0
    return sum(1 for name, entry in entries.items()
               if entry.written and record.fingerprint(host.file(name)) == entry.written)


def adopted(host: Host) -> Record:
    """Return what a new machine knows of the record that came with a backup: of files that came along (a hook of
    certbot's), that they are smallmail's."""
    if not is_another_machines(host):
        return record.empty()
    theirs = record.loads(host.text(state.RECORD)).entries["files"]
    ours = [(name, entry) for name, entry in theirs.items()
            if entry.before is None and table.reader(name) is None
            and record.fingerprint(host.file(name)) == entry.written]
    entries = OrderedDict((kind, OrderedDict()) for kind in record.KINDS)  # type: Dict[str, Dict[str, Entry]]
    entries["files"] = OrderedDict(ours)
    return record.empty()._replace(entries=entries)
