"""Who counts as one client: an IPv4 address, or a network of 64 bits in IPv6, of which one household has all."""
import ipaddress
from typing import Iterable, List, Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_PREFIX = 64


def address(text: str) -> Union[Address, None]:
    """Read an address as Dovecot writes it; one of IPv4 in the clothes of IPv6 (::ffff:192.0.2.1) is one of IPv4.
    Returns None for what is not an address."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def client(text: str) -> str:
    """Return the client that an address belongs to, as text; "" for what is not an address."""
    found = address(text)
    if found is None:
        return ""
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network("{}/{}".format(found, _PREFIX), strict=False))


def network(text: str) -> Network:
    """Read an address or a network that a person typed; its host bits do not count. Raises ValueError."""
    try:
        found = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError("'{}' is not an address or a network: type it as in 192.0.2.1 or 2001:db8::/64".format(
            text.strip()))
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is not None and found.prefixlen >= 96:
        return ipaddress.ip_network("{}/{}".format(mapped, found.prefixlen - 96))
    return found


def name(found: Network) -> str:
    """Return a network as text; that of one address without its length."""
    return str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)


def is_client(text: str) -> bool:
    """Tell whether a text is exactly what client() makes of an address."""
    return bool(text) and client(text.partition("/")[0]) == text


def overlap(found: Network, others: Iterable[Network]) -> bool:
    """Tell whether a network has addresses in common with one of the others."""
    return any(other.version == found.version and other.overlaps(found)  # type: ignore[arg-type]
               for other in others)


def networks(words: Iterable[str]) -> List[Network]:
    """Read networks from a file: what is not one is left out."""
    found = []  # type: List[Network]
    for word in words:
        try:
            found.append(network(word))
        except ValueError:
            continue
    return found
