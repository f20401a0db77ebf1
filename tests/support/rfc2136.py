"""Credentials for dynamic updates of the lab's zones: what an admin writes into /etc/smallmail/rfc2136.ini."""

from __future__ import annotations

from tests.lab import World
from tests.lab.network import GATEWAY


def section(secret: str, *, server: str = GATEWAY, key: str = "lab") -> str:
    """Return the lines for one server and key."""
    return (f"dns_rfc2136_server = {server}\ndns_rfc2136_name = {key}\ndns_rfc2136_secret = {secret}\n"
            "dns_rfc2136_algorithm = HMAC-SHA256\n")


def credentials(world: World, *, server: str = GATEWAY) -> str:
    """Return the lines that let a host change the lab's zones."""
    name, _, secret = world.dns.key
    return section(secret, server=server, key=name)
