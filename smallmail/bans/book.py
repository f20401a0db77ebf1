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
    found = map(_ban, _entries(host, state.BANS_LIST))
    return OrderedDict((ban.client, ban) for ban in found if clients.is_client(ban.client))


def save(host: Host, bans: Iterable[Ban]) -> None:
    """Write the list, which is the daemon's own file."""
    _save(host, state.BANS_LIST, [ban._asdict() for ban in bans])


def known(host: Host) -> List[str]:
    """Read the list of clients from which somebody has logged in. Returns them; what is not one is left out."""
    return [each for each in _entries(host, state.BANS_KNOWN) if isinstance(each, str) and clients.is_client(each)]


def save_known(host: Host, known: Iterable[str]) -> None:
    """Write that list."""
    _save(host, state.BANS_KNOWN, sorted(known))


def in_force(bans: Iterable[Ban], now: float) -> List[Ban]:
    """Return the bans that have not ended. A clock that was set back makes none longer."""
    return [ban for ban in bans if now < ban.until <= now + LONGEST]


def _entries(host: Host, path: str) -> List[Any]:
    """Read one of the lists. Returns what is in it; nothing if it is lost or damaged."""
    try:
        value = json.loads(host.text(path))
    except (ValueError, RecursionError):
        return []
    return value[:MOST] if isinstance(value, list) else []


def _save(host: Host, path: str, entries: List[Any]) -> None:
    text = json.dumps(entries, indent=1) + "\n"
    host.write(path, File(text.encode("ascii"), 0o600, state.BANS_USER, state.BANS_USER))


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
