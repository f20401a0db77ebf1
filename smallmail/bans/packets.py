"""Put the bans into nftables: connections from these addresses to the ports of mail are reset.

A client that opens connections to the ports of submission very often is slowed there, too: Postfix counts a client's
connections, but on port 465 only after the TLS handshake, which is what costs. And the services for this host's own
daemons are closed to its other users, who could keep them busy.

`run packets` is root for CAP_NET_ADMIN alone. It takes only what is a client (clients.py) from the daemon's list,
and no network that is never banned, so the daemon cannot shut out more than strangers, one by one.
"""
import re
import time
from typing import Any, Iterable, List, Sequence  # noqa: F401 (Any: in a type comment)

from smallmail.bans import book, clients, orders, server
from smallmail.bans.clients import Network
from smallmail.daemons import listening
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Failed, Host

TABLE = "inet smallmail_bans"

# So many connections to the ports of submission a client may begin at once, and then so many a minute. More are not
# refused: the client's system tries again a second later. An office of 200 people is one client, from which somebody
# has logged in; all others together must not start more processes of Postfix than a small host does in seconds.
_KNOWN, _NEW = (200, 240), (20, 60)

# Who connects to the ports between the daemons: Dovecot's auth and sieve processes, and Postfix's smtp(8).
_USERS = ("root", "dovecot", "postfix", "vmail")
PROGRAM = "usr/sbin/nft"
# What the first process may hand on (proc(5)), and the bit of CAP_NET_ADMIN there (capabilities(7)).
_FIRST_PROCESS = "proc/1/status"
_NET_ADMIN = 1 << 12
_MOST_CHANGES = 10  # in one run


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
    for _ in range(_MOST_CHANGES):
        before = _lists(host)
        _put(host)
        if _lists(host) == before:
            return      # else there was a change meanwhile, and systemd does not start what still runs


def _lists(host: Host) -> List[str]:
    return [host.text(path) for path in (state.BANS_LIST, state.BANS_KNOWN, state.BANS_ORDERS, state.BANS_NEVER)]


def _put(host: Host) -> None:
    networks, never = banned(host, time.time()), orders.never(host)
    known = [clients.network(client) for client in book.known(host)]
    try:
        try:
            host.run(["/" + PROGRAM, "-f", "-"], script(networks, never, known))
        except Failed:      # nftables of Debian 9 and 10, and old kernels, do not count in sets
            host.run(["/" + PROGRAM, "-f", "-"], script(networks, never, slows=False))
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


def script(networks: Iterable[Network], never: Iterable[Network] = (), known: Iterable[Network] = (),
           slows: bool = True) -> str:
    """Write what nft(8) reads: in one transaction the former table goes and the new one comes. `never`: the networks
    that are never banned, and not slowed either; `known`: the clients from which somebody has logged in."""
    banned_now, spared, familiar = list(networks), list(never), list(known)
    ports = ", ".join(str(port.number) for port in listening.PUBLIC)
    begins = "tcp dport {{ {}, {} }} tcp flags & (syn|ack) == syn".format(
        listening.SUBMISSIONS.number, listening.SUBMISSION.number)
    parts, rules = [], ["type filter hook input priority -10; policy accept;", "iifname \"lo\" return"]
    for version, kind, field, one in ((4, "ipv4_addr", "ip", ""), (6, "ipv6_addr", "ip6", " & ffff:ffff:ffff:ffff::")):
        parts.append(_set("banned{}".format(version), kind, _elements(banned_now, version)))
        parts.append(_set("never{}".format(version), kind, _elements(spared, version)))
        rules.append("{} saddr @never{} return".format(field, version))
        rules.append("{} saddr @banned{} tcp dport {{ {} }} reject with tcp reset".format(field, version, ports))
        if slows:
            parts.append(_set("known{}".format(version), kind, _elements(familiar, version)))
            for name, test, (burst, a_minute) in (("often", "", _KNOWN), ("new", "!= ", _NEW)):
                parts.append(_block("set {}{}".format(name, version),
                                    ["type {}; size 65535; flags dynamic; timeout 2m;".format(kind)]))
                limit = "limit rate over {}/minute burst {} packets".format(a_minute, burst)
                rules.append("{} {} saddr {}@known{} update @{}{} {{ {} saddr{} {} }} drop".format(
                    begins, field, test, version, name, version, field, one, limit))
    parts.append(_block("chain input", rules))
    between = ", ".join(str(number) for number in [port.number for port in listening.FORWARDING] + [server.PORT])
    parts.append(_block("chain output", [
        "type filter hook output priority -10; policy accept;",
        "oifname \"lo\" tcp dport {{ {} }} meta skuid != {{ {} }} reject with tcp reset".format(
            between, ", ".join(_USERS))]))
    return _empty() + "table {} {{\n{}}}\n".format(TABLE, "".join(parts))


def _empty() -> str:
    """Return the lines that remove the table, whether it exists or not."""
    return "add table {0}\ndelete table {0}\n".format(TABLE)


def _elements(networks: List[Any], version: int) -> List[str]:
    """Return the networks of one version as elements of a set. Those of an interval set must not overlap."""
    import ipaddress  # noqa: PLC0415 (collapse_addresses is all that is needed of it)

    return [clients.name(each) for each in
            ipaddress.collapse_addresses(each for each in networks if each.version == version)]


def _set(name: str, kind: str, elements: Sequence[str]) -> str:
    filled = ["elements = {{ {} }}".format(", ".join(elements))] if elements else []
    return _block("set " + name, ["type {}; flags interval;".format(kind)] + filled)


def _block(head: str, lines: Sequence[str]) -> str:
    return "\t{} {{\n{}\t}}\n".format(head, "".join("\t\t{}\n".format(line) for line in lines))
