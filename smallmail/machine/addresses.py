"""The host's own public addresses, as far as the host itself can know them."""
import ipaddress
import socket
from collections import OrderedDict
from typing import List

# Documentation addresses (RFC 5737, RFC 3849): a UDP socket "connected" to them sends nothing, but the kernel chooses
# the source address that it would use on the way out.
_FAR = OrderedDict([("A", (socket.AF_INET, "192.0.2.1")), ("AAAA", (socket.AF_INET6, "2001:db8::1"))])

# RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 2.5.6, and the host itself.
_NOT_PUBLIC = [ipaddress.ip_network(network) for network in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
    "fc00::/7", "fe80::/10", "::1/128")]


def public() -> List[str]:
    """The addresses that mail would leave from: at most one of IPv4 and one of IPv6; none behind NAT, where the host
    cannot know them."""
    return [address for address in map(leaving, _FAR) if address and is_public(address)]


def is_public(address: str) -> bool:
    """Whether others could reach it."""
    return not any(ipaddress.ip_address(address) in network for network in _NOT_PUBLIC)


def leaving(kind: str) -> str:
    """The address of that kind (A or AAAA) with which the host goes out; empty when it has no way."""
    family, far = _FAR[kind]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            address = str(probe.getsockname()[0]).partition("%")[0]
    except OSError:
        return ""
    # A route without an address of its own kind: link-local ones lead nowhere.
    return "" if ipaddress.ip_address(address).is_link_local else address


def is_here(address: str) -> bool:
    """Whether the address is one of this host's, also one that mail does not leave from: then a socket may have it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
