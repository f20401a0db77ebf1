"""The host's own public addresses, as far as the host itself can know them."""
import socket
from typing import List

# Documentation addresses (RFC 5737, RFC 3849): a UDP socket "connected" to them sends nothing, but the kernel chooses
# the source address that it would use on the way out.
_FAR = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]


def public() -> List[str]:
    """The addresses that mail would leave from: at most one of IPv4 and one of IPv6. Behind NAT they are private ones."""
    found = []
    for family, far in _FAR:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((far, 9))
            except OSError:
                continue
            address = probe.getsockname()[0]
            if not address.startswith("fe80:") and "%" not in address:
                found.append(address)
    return found
