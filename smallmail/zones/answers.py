"""What name servers answered, in a form that checks can think about. Pure."""
from collections import OrderedDict
from typing import Any, Dict, List, NamedTuple

Server = NamedTuple("Server", [("name", str), ("address", str)])

Answer = NamedTuple("Answer", [
    ("values", List[str]),      # as value_text() has them; none when there is no such record
    ("alias", str),             # the name that a CNAME leads to, or ""
    ("said", Dict[str, List[str]]),     # by "server (address)": what each one answered
])

Zone = NamedTuple("Zone", [
    ("name", str),
    ("delegated", List[str]),   # its name servers as the zone above says
    ("own", List[str]),         # its name servers as it says itself
    ("troubles", Dict[str, str]),   # by "server (address)": what is wrong with it
    ("ds", bool),               # the zone above says that it is signed
    ("signed", bool),           # it is signed
    ("broken", str),            # why nobody can verify it, though it is signed; ""
])


class Unanswered(Exception):
    """Nobody could say; why, in words."""


_NAMES = {2, 5, 12, 15, 33}     # NS, CNAME, PTR, MX, SRV: their values are names, and names have no case


def value_text(rdata: Any) -> str:
    """A record's value: TXT as one string (RFC 7208, 3.3; RFC 6376, 3.6.2.2), all else as in a zone file."""
    if hasattr(rdata, "strings"):
        return b"".join(rdata.strings).decode("utf-8", "replace")
    text = str(rdata.to_text())
    return text.lower() if int(rdata.rdtype) in _NAMES else text


def answer(values: List[str]) -> Answer:
    """One that nobody in particular gave."""
    return Answer(values, "", OrderedDict())
