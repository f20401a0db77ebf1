"""Does mail get out? A connection to a mail server or two out there: its greeting, QUIT, and no more."""
import re
import socket
from collections import OrderedDict
from typing import Callable, Dict, Iterator, List, NamedTuple

from smallmail.zones.answers import Unanswered

# Big ones, run by different people; the last has IPv6 as well.
PROBES = ["gmail.com", "outlook.com", "debian.org"]
_PATIENCE = 5.0
_ENOUGH = 3     # connections
Ask = Callable[[str, str], List[str]]       # name, kind -> values; raises Unanswered
Target = NamedTuple("Target", [("name", str), ("port", int)])


def targets(relayhost: str, ask: Ask, domains: List[str] = PROBES) -> Iterator[Target]:
    """The servers to try: the relayhost, where there is one, else the mail exchangers of some domains."""
    parts = re.match(r"(\[)?([^\[\]]+?)\]?(?::(\d+))?$", relayhost)
    if parts and parts.group(1):
        yield Target(parts.group(2), int(parts.group(3) or 25))
        return
    for domain in [parts.group(2)] if parts else domains:
        found = sorted((int(value.split()[0]), value.split()[1].rstrip(".")) for value in ask(domain, "MX"))
        if found or parts:
            yield Target(found[0][1] if found else domain, int(parts.group(3) or 25) if parts else 25)


def tried(wanted: List[Target], kind: str, ask: Ask) -> Dict[Target, str]:
    """What each of these says to a connection from here, in words; the last one is the first that answered."""
    said = OrderedDict()    # type: Dict[Target, str]
    for target in wanted[:_ENOUGH]:
        try:
            found = [target.name] if re.match(r"[\d.]+$|.*:", target.name) else ask(target.name, kind)
        except Unanswered:
            continue
        if found and (":" in found[0]) == (kind == "AAAA"):
            said[target] = greeting(found[0], target.port)
            if not said[target]:
                break
    return said


def greeting(address: str, port: int) -> str:
    """Empty when a server answers there as it should; else what it says, or why there is no answer."""
    try:
        with socket.create_connection((address, port), _PATIENCE) as connection:
            if port == 465:     # TLS from the first byte on
                return ""
            said = connection.recv(512).decode("utf-8", "replace").strip()
            connection.sendall(b"QUIT\r\n")
            return "" if said.startswith("220") else "says: " + said.splitlines()[0] if said else "hangs up"
    except socket.timeout:
        return "does not answer"
    except OSError as error:
        return error.strerror or "cannot be reached"
