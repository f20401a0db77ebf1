"""Try whether mail gets out: connect to a mail server or two on the internet, read the greeting, say QUIT, no more."""
import re
import socket
from collections import OrderedDict
from typing import Callable, Dict, Iterator, List, NamedTuple

from smallmail.zones.answers import Unanswered

# Large ones, run by different people; the last has IPv6 as well.
PROBES = ["gmail.com", "outlook.com", "debian.org"]
_PATIENCE = 5.0
_ENOUGH = 3     # connections
Ask = Callable[[str, str], List[str]]       # name, kind -> values; raises Unanswered
Target = NamedTuple("Target", [("name", str), ("port", int)])
Greeting = NamedTuple("Greeting", [
    ("is_right", bool),     # it greets as a mail server should
    ("is_there", bool),     # the connection gets through, whatever is said then
    ("words", str),         # what is wrong, to follow the server's name
])
RIGHT = Greeting(True, True, "")


def targets(relayhost: str, ask: Ask, domains: List[str] = PROBES) -> Iterator[Target]:
    """Yield the servers to try: the relayhost, where there is one, else the mail exchangers of some domains. Raises
    Unanswered."""
    parts = re.match(r"(\[)?([^\[\]]+?)\]?(?::(\d+))?$", relayhost)
    if parts and parts.group(1):
        yield Target(parts.group(2), int(parts.group(3) or 25))
        return
    for domain in [parts.group(2)] if parts else domains:
        found = sorted((int(value.split()[0]), value.split()[1].rstrip(".")) for value in ask(domain, "MX"))
        if found or parts:
            yield Target(found[0][1] if found else domain, int(parts.group(3) or 25) if parts else 25)


def tried(wanted: List[Target], kind: str, ask: Ask) -> Dict[Target, Greeting]:
    """Connect to these servers, one after the other, until one greets as it should. Returns what each said."""
    said = OrderedDict()    # type: Dict[Target, Greeting]
    for target in wanted[:_ENOUGH]:
        try:
            found = [target.name] if re.match(r"[\d.]+$|.*:", target.name) else ask(target.name, kind)
        except Unanswered:
            continue
        if found and (":" in found[0]) == (kind == "AAAA"):
            said[target] = greeting(found[0], target.port)
            if said[target].is_right:
                break
    return said


def greeting(address: str, port: int) -> Greeting:
    """Connect to a mail server, and read its greeting. Returns it."""
    try:
        with socket.create_connection((address, port), _PATIENCE) as connection:
            if port == 465:     # TLS from the first byte on
                return RIGHT
            said = connection.recv(512).decode("utf-8", "replace").strip()
            connection.sendall(b"QUIT\r\n")
    except socket.timeout:
        return Greeting(False, False, "does not answer")
    except OSError as error:
        return Greeting(False, False, "cannot be reached ({})".format(error.strerror or error))
    if not said:
        return Greeting(False, False, "hangs up")
    return RIGHT if said.startswith("220") else Greeting(False, True, "says: " + said.splitlines()[0])
