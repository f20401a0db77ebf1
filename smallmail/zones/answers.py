"""Define the values in which name servers' answers travel: who said what, and what a zone is like. Pure."""
from collections import OrderedDict
from typing import Any, Dict, List, NamedTuple

PATIENCE = 60.0     # seconds for all the questions of one authority


class Server(NamedTuple("_Server", [("name", str), ("address", str)])):
    """A name server at one of its addresses; the address is empty where none is known."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return the server as people read it: "ns.example.net (192.0.2.1)"."""
        name = self.name.rstrip(".")
        return "{} ({})".format(name, self.address) if self.address else name


Answer = NamedTuple("Answer", [
    ("values", List[str]),      # as value_text() has them; none when there is no such record
    ("alias", str),             # the name that a CNAME points to, or ""
    ("said", Dict[Server, List[str]]),  # what each one answered
])

Zone = NamedTuple("Zone", [
    ("name", str),
    ("delegated", List[str]),   # its name servers as the zone above says
    ("own", List[str]),         # its name servers as it says itself
    ("troubles", Dict[Server, str]),    # what is wrong with a name server
    ("ds", bool),               # the zone above says that it is signed
    ("signed", bool),           # it is signed
    ("broken", str),            # why it cannot be verified, though it is signed; ""
])


class Unanswered(Exception):
    """No server answered; why, in words."""


_NAMES = {2, 5, 12, 15, 33}     # NS, CNAME, PTR, MX, SRV: their values are names, and names have no case


def value_text(rdata: Any) -> str:
    """Convert a record's value of dnspython's. Returns TXT as one string (RFC 7208, 3.3; RFC 6376, 3.6.2.2), all else
    as a zone file has it."""
    if hasattr(rdata, "strings"):
        return b"".join(rdata.strings).decode("utf-8", "replace")
    text = str(rdata.to_text())
    return text.lower() if int(rdata.rdtype) in _NAMES else text


def answer(values: List[str]) -> Answer:
    """Make an answer that no server in particular gave. Returns it."""
    return Answer(values, "", OrderedDict())
