"""Which records in DNS are ours: those that `smallmail dns publish` put there, word for word."""
import contextlib
import json
from collections import OrderedDict
from typing import Dict

from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.machine.state import STATE
from smallmail.publishing.dns_plan import Entry

PATH = STATE + "/published.json"


def load(host: Host) -> Dict[Entry, str]:
    """The zone of each record that is ours."""
    with contextlib.suppress(ValueError, KeyError, TypeError):  # somebody has edited it: then it is all another's
        return OrderedDict((Entry(each["name"], each["type"], each["value"]), each["zone"])
                           for each in json.loads(host.text(PATH) or "[]"))
    return OrderedDict()


def save(host: Host, owned: Dict[Entry, str]) -> None:
    """Remember; written only when it is news."""
    if owned == load(host):
        return
    data = [OrderedDict([("zone", zone), ("name", entry.name), ("type", entry.type), ("value", entry.value)])
            for entry, zone in sorted(owned.items())]
    host.write(PATH, File((json.dumps(data, indent=2) + "\n").encode("ascii"), 0o600, "root", "root"))
