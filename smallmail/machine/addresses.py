"""Find the public addresses of the machine that runs this code, as far as the machine itself can know them.

Behind NAT it cannot: then there is none. The kernel is asked; a Host's root makes no difference.
"""
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
    """Return the addresses from which mail leaves: at most one IPv4 and one IPv6 address, none behind NAT."""
    return [address for address in map(leaving, _FAR) if address and is_public(address)]


def is_public(address: str) -> bool:
    """Tell whether an address is routed on the Internet."""
    return not any(ipaddress.ip_address(address) in network for network in _NOT_PUBLIC)


def leaving(kind: str) -> str:
    """Return the source address of outgoing connections. `kind`: A or AAAA; empty if there is no route."""
    family, far = _FAR[kind]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            address = str(probe.getsockname()[0]).partition("%")[0]
    except OSError:
        return ""
    # With a route but without a global address the kernel takes a link-local one, which no answer can reach.
    return "" if ipaddress.ip_address(address).is_link_local else address


def is_here(address: str) -> bool:
    """Tell whether an address is one of this machine's, by binding a socket to it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
