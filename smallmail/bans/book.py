"""The lists of bans and of known clients as the daemon writes them. Root reads them, too, so what is read here is
hostile until it is checked."""
import json
from collections import OrderedDict
from typing import Any, Dict, Iterable, List, NamedTuple

from smallmail.bans import clients
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host

Ban = NamedTuple("Ban", [
    ("client", str),        # clients.client()
    ("since", int),
    ("until", int),
    ("level", int),         # how often it was banned lately
    ("names", List[str]),   # a few of the names that were tried
    ("tries", int),
])

# So many are kept, and as many are put into nftables.
MOST = 20000
LONGEST = 48 * 3600
_NAMES = 3
_SHOWN = 64


def printable(name: str) -> str:
    """Return a name that a stranger chose as it can be shown on a terminal, not longer than is of use."""
    return "".join(char if " " <= char <= "~" else "?" for char in name[:_SHOWN])


def few(names: Iterable[str]) -> List[str]:
    """Return the first of some names, as they can be shown."""
    return [printable(name) for name in names][:_NAMES]


def load(host: Host) -> Dict[str, Ban]:
    """Read the list. Returns the bans by client; what is not one is left out. If the file is lost, so are they."""
    try:
        value = json.loads(host.text(state.BANS_LIST))
    except (ValueError, RecursionError):
        return OrderedDict()
    found = (_ban(each) for each in (value if isinstance(value, list) else [])[:MOST])
    return OrderedDict((ban.client, ban) for ban in found if clients.is_client(ban.client))


def save(host: Host, bans: Iterable[Ban]) -> None:
    """Write the list, which is the daemon's own file."""
    text = json.dumps([ban._asdict() for ban in bans], indent=1) + "\n"
    host.write(state.BANS_LIST, File(text.encode("ascii"), 0o600, state.BANS_USER, state.BANS_USER))


def known(host: Host) -> List[str]:
    """Read the list of clients from which somebody has logged in. Returns them; what is not one is left out."""
    try:
        value = json.loads(host.text(state.BANS_KNOWN))
    except (ValueError, RecursionError):
        return []
    return [each for each in (value if isinstance(value, list) else [])[:MOST]
            if isinstance(each, str) and clients.is_client(each)]


def save_known(host: Host, known: Iterable[str]) -> None:
    """Write that list."""
    text = json.dumps(sorted(known), indent=1) + "\n"
    host.write(state.BANS_KNOWN, File(text.encode("ascii"), 0o600, state.BANS_USER, state.BANS_USER))


def in_force(bans: Iterable[Ban], now: float) -> List[Ban]:
    """Return the bans that have not ended. A clock that was set back makes none longer."""
    return [ban for ban in bans if now < ban.until <= now + LONGEST]


def _ban(value: Any) -> Ban:
    """Return the ban that a value of the file says; one of no client if it says none."""
    given = value if isinstance(value, dict) else {}
    names = given.get("names")
    return Ban(_of(given, "client", ""), _of(given, "since", 0), _of(given, "until", 0), _of(given, "level", 1),
               few(name for name in names if isinstance(name, str)) if isinstance(names, list) else [],
               _of(given, "tries", 0))


def _of(given: Dict[str, Any], key: str, default: Any) -> Any:
    value = given.get(key)
    return value if type(value) is type(default) and not (isinstance(value, int) and abs(value) >= 1 << 40) else default
