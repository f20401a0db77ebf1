"""Put the bans into nftables: connections from these addresses to the ports of mail are reset.

`run packets` is root for CAP_NET_ADMIN alone. It takes only what is a client (clients.py) from the daemon's list,
and no network that is never banned, so the daemon cannot shut out more than strangers, one by one.
"""
import re
import time
from typing import Any, Iterable, List, Sequence  # noqa: F401 (Any: in a type comment)

from smallmail.bans import book, clients, orders
from smallmail.bans.clients import Network
from smallmail.daemons import listening
from smallmail.errors import Problem
from smallmail.machine.host import Failed, Host

TABLE = "inet smallmail_bans"
PROGRAM = "usr/sbin/nft"
# What the first process may hand on (proc(5)), and the bit of CAP_NET_ADMIN there (capabilities(7)).
_FIRST_PROCESS = "proc/1/status"
_NET_ADMIN = 1 << 12


def hindrance(host: Host) -> str:
    """Tell why this host's nftables cannot have the bans: a clause, and what to do. Returns "" if it can."""
    if not host.exists(PROGRAM):
        return "nftables is not installed ('apt install nftables' changes that)"
    allowed = re.search(r"^CapBnd:\s*([0-9a-f]+)$", host.text(_FIRST_PROCESS), re.MULTILINE)
    if allowed and not int(allowed.group(1), 16) & _NET_ADMIN:
        return "this container may not change nftables (it does not have CAP_NET_ADMIN)"
    return ""


def put(host: Host) -> None:
    """Let nftables have the bans that are in force now, and no others. Raises Problem."""
    if hindrance(host):
        return
    try:
        host.run(["/" + PROGRAM, "-f", "-"], script(banned(host, time.time())))
    except Failed as error:
        raise Problem("nftables does not take the bans, so that banned addresses are refused at the login only: "
                      "{}".format(error))


def remove(host: Host) -> None:
    """Remove all that put() made. Raises Failed."""
    if not hindrance(host):
        host.run(["/" + PROGRAM, "-f", "-"], _empty())


def banned(host: Host, now: float) -> List[Network]:
    """Return the networks that are banned now, by the daemon or by the admin."""
    ordered, never = orders.load(host), orders.never(host)
    found = [clients.network(ban.client) for ban in book.in_force(book.load(host).values(), now)
             if not orders.is_lifted(ordered, ban)]
    found = [network for network in found if not clients.overlap(network, never)]
    return found + clients.networks(ordered.added)


def script(networks: Iterable[Network]) -> str:
    """Write what nft(8) reads: in one transaction the former table goes and the new one comes."""
    import ipaddress  # noqa: PLC0415 (collapse_addresses is all that is needed of it)

    all_of_them = list(networks)  # type: List[Any]
    ports = ", ".join(str(port.number) for port in listening.PUBLIC)
    parts, rules = [], ["type filter hook input priority -10; policy accept;", "iifname \"lo\" return"]
    for version, kind, field in ((4, "ipv4_addr", "ip"), (6, "ipv6_addr", "ip6")):
        # Elements of an interval set must not overlap.
        elements = ipaddress.collapse_addresses(each for each in all_of_them if each.version == version)
        parts.append(_set("banned{}".format(version), kind, [clients.name(each) for each in elements]))
        rules.append("{} saddr @banned{} tcp dport {{ {} }} reject with tcp reset".format(field, version, ports))
    parts.append(_block("chain input", rules))
    return _empty() + "table {} {{\n{}}}\n".format(TABLE, "".join(parts))


def _empty() -> str:
    """Return the lines that remove the table, whether it exists or not."""
    return "add table {0}\ndelete table {0}\n".format(TABLE)


def _set(name: str, kind: str, elements: Sequence[str]) -> str:
    filled = ["elements = {{ {} }}".format(", ".join(elements))] if elements else []
    return _block("set " + name, ["type {}; flags interval;".format(kind)] + filled)


def _block(head: str, lines: Sequence[str]) -> str:
    return "\t{} {{\n{}\t}}\n".format(head, "".join("\t\t{}\n".format(line) for line in lines))
