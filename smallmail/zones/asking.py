"""Open the two ways to ask DNS, and load dnspython no sooner: loading it takes a tenth of a second, which every verb
would wait for. This module has the only late imports of the room.

`authority()` asks a domain's own name servers, past all caches; the other functions ask a resolver, as daemons do.
"""
from typing import TYPE_CHECKING, Any, List, Optional

from smallmail.zones.answers import PATIENCE

if TYPE_CHECKING:
    from smallmail.zones.authority import Authority
    from smallmail.zones.resolver import Asked, Lookup

# The root's servers that have had their addresses longest (root.hints): they answer everybody who has a network.
ROOTS = {"A": ["198.41.0.4", "192.5.5.241", "192.36.148.17"],
         "AAAA": ["2001:503:ba3e::2:30", "2001:500:2f::f", "2001:7fe::53"]}


def authority(own: List[str], patience: float = PATIENCE, resolvers: Optional[List[str]] = None) -> "Authority":
    """Make what asks the name servers of these names and of those below them. Returns an Authority."""
    from smallmail.zones.authority import Authority  # noqa: PLC0415

    return Authority(own, patience, resolvers)


def _resolver() -> Any:
    from smallmail.zones import resolver  # noqa: PLC0415

    return resolver


def servers(words: List[str]) -> List[str]:
    """Find the addresses that are asked with that value of the setting `resolver`. Returns them."""
    return list(_resolver().servers(words))


def lookup(addresses: List[str]) -> "Lookup":
    """Make what asks the resolvers at these addresses. Returns a Lookup."""
    found = _resolver().Lookup(addresses)   # type: Lookup
    return found


def resolver(address: str) -> "Asked":
    """Ask a resolver for the root's servers. Returns whether it answers, and whether it validates DNSSEC."""
    found = _resolver().resolver(address)   # type: Asked
    return found


def online(kind: str) -> bool:
    """Return whether a root server answers at an address of that kind (A or AAAA): there is a way to the internet."""
    return any(_resolver().is_there(address) for address in ROOTS[kind])
