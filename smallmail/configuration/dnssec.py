"""Find out whether this host's resolver validates DNSSEC, on which outgoing DANE relies (RFC 7672, 2.1.1).

The timer asks it, as Postfix asks it itself (postconf(5): dnssec_probe), and what was seen counts while it does not
answer. Only a resolver on this host counts: on the way to another one anybody could forge its answer. If it ceases to
validate before the timer notices, Postfix with `dane` sends as with `may`: nothing is lost.
"""
import ipaddress
from typing import List, Optional, Set  # noqa: F401 (in a type comment)

from smallmail.configuration import apply, plan
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.zones import asking

# The second is the copy that Postfix uses in its chroot; Debian renews it when Postfix starts.
_FILES = ("etc/resolv.conf", "var/spool/postfix/etc/resolv.conf")


def follow(host: Host, settings: Settings) -> None:
    """Let Postfix use DANE if that is safe now, or no longer use it. Raises Problem."""
    if not state.in_charge(host.root):
        return
    before, now = host.exists(state.VALIDATES), validates(host)
    if now is None or now == before:
        return
    pending = plan.to_do(apply.job(host, settings).changes)
    host.put(state.VALIDATES, state_files.file(state.VALIDATES, b"") if now else None)
    if not pending:     # otherwise the admin decides when to apply; `smallmail plan` shows this change, too
        apply.apply(host, settings, "the resolver validates DNSSEC" if now else
                    "the resolver does not validate DNSSEC any more")


def validates(host: Host) -> Optional[bool]:
    """Tell whether all name servers that Postfix asks are on this host and validate; None if one does not answer."""
    servers = nameservers(host)
    if not all(map(_is_loopback, servers)):
        return False
    replies = [asking.resolver(server) for server in servers]
    return all(reply.validates for reply in replies) if all(reply.answers for reply in replies) else None


def nameservers(host: Host) -> List[str]:
    """Return the addresses in resolv.conf(5). A file without any means this host itself."""
    addresses = set()   # type: Set[str]
    for path in _FILES:
        if host.exists(path):
            lines = [line.split() for line in host.text(path).splitlines()]
            addresses.update([words[1].partition("%")[0] for words in lines
                              if words[:1] == ["nameserver"] and len(words) > 1] or ["127.0.0.1"])
    return sorted(addresses)


def _is_loopback(server: str) -> bool:
    try:
        return ipaddress.ip_address(server).is_loopback
    except ValueError:
        return False
