"""Does the resolver of this host validate DNSSEC? Outgoing DANE leans on its word (RFC 7672, 2.1.1).

It is asked by the timer, as Postfix asks it itself (postconf(5): dnssec_probe), and what was seen stays true while it
does not answer. Only one on this host counts: on the way to another anybody could say yes in its name. Should it cease
to validate before the timer sees that, Postfix with `dane` sends as with `may`: nothing is lost.
"""
import ipaddress
from typing import List, Optional, Set  # noqa: F401 (in a type comment)

from smallmail.configuration import apply, plan
from smallmail.daemons.facts import VALIDATES
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

# The second is the copy in which Postfix's chroot looks; Debian renews it when Postfix starts.
_FILES = ("etc/resolv.conf", "var/spool/postfix/etc/resolv.conf")


def follow(host: Host, settings: Settings) -> None:
    """Let Postfix use DANE where that has come to be right, or not any more."""
    if not host.exists(state.PATH):
        return
    known, seen = host.exists(VALIDATES), validates(host)
    if seen is None or seen == known:
        return
    pending = plan.to_do(apply.job(host, settings).changes)
    host.put(VALIDATES, File(b"", 0o644, "root", "root") if seen else None)
    if not pending:     # else it is the admin who says when; `smallmail plan` has this, too
        apply.apply(host, settings, "the resolver validates DNSSEC" if seen else
                    "the resolver does not validate DNSSEC any more")


def validates(host: Host) -> Optional[bool]:
    """Whether all name servers that Postfix asks are on this host and validate; None where one does not say."""
    servers = nameservers(host)
    if not all(map(_is_here, servers)):
        return False
    # The timer alone comes here, and not each verb that imports this: loading dnspython takes a tenth of a second.
    from smallmail.zones import resolver  # noqa: PLC0415

    said = [resolver.resolver(server) for server in servers]
    return all(each.validates for each in said) if all(each.answers for each in said) else None


def nameservers(host: Host) -> List[str]:
    """The addresses in resolv.conf(5), of which this host itself is meant when there are none."""
    found = set()   # type: Set[str]
    for path in _FILES:
        if host.exists(path):
            words = [line.split() for line in host.text(path).splitlines()]
            found.update([line[1].partition("%")[0] for line in words if line[:1] == ["nameserver"] and len(line) > 1]
                         or ["127.0.0.1"])
    return sorted(found)


def _is_here(server: str) -> bool:
    try:
        return ipaddress.ip_address(server).is_loopback
    except ValueError:
        return False
