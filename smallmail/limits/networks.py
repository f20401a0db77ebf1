"""The network that an address belongs to, as far as it tells where somebody is. Pure.

Providers give their customers another address each day, out of all that they have: in practice out of a /16 or a /32
(the IPv6 network that a registry gives to a provider). A smaller network would be new each morning.
"""
import ipaddress


def of(address: str) -> str:
    """Return the network of an IP address, "198.51.0.0/16"; "" for what is not an address, and for this host itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback:
        return ""
    return str(ipaddress.ip_network("{}/{}".format(found, 16 if found.version == 4 else 32), strict=False))
