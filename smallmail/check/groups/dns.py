"""Check DNS: the resolvers that this host asks, and what the domains' own name servers say."""
from typing import TYPE_CHECKING, Dict, Iterator, List

from smallmail import wanted_records
from smallmail.accounts import domains
from smallmail.findings import Finding, Group
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import tlsa
from smallmail.zones import asking, dns_check
from smallmail.zones.answers import Unanswered

if TYPE_CHECKING:
    from smallmail.zones.resolver import Asked

_GROUP = Group("dns")
_RESOLVERS = "resolvers"


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check all of the group. Yields what was found."""
    yield from resolvers({address: asking.resolver(address)
                          for address in asking.servers(["system"]) + asking.servers(settings.resolver)})
    try:
        asking.authority([]).ask(".", "NS")
    except Unanswered as error:
        yield unreachable(str(error))
        return
    yield from records(host, settings, domains.domains(host))


def unreachable(error: str) -> Finding:
    """Return that the records were not checked, given why no name server was asked."""
    return _GROUP.unknown("the records in DNS", error)


def records(host: Host, settings: Settings, chosen: List[str]) -> List[Finding]:
    """Judge the records of the host and of these domains. Returns what was found."""
    tlsa.look(host, settings.hostname)
    authority = asking.authority([settings.hostname] + chosen)
    return dns_check.judge(wanted_records.wanted(host, settings, chosen), authority.ask, authority.zone)


def resolvers(replies: "Dict[str, Asked]") -> Iterator[Finding]:
    """Judge the resolvers that Postfix and Rspamd ask, given what each said. Yields what was found."""
    if not replies:
        yield _GROUP.problem("/etc/resolv.conf does not name a DNS server", "Without DNS mail is neither sent nor"
                             " received.", ["apt install unbound", "echo 'nameserver 127.0.0.1' >/etc/resolv.conf"],
                             about=[_RESOLVERS])
    dead = [address for address, reply in replies.items() if not reply.answers]
    if dead and not any(asking.online(kind) for kind in asking.ROOTS):
        yield _GROUP.unknown("the DNS servers", "neither {} nor any root server answers".format(" nor ".join(dead)),
                             [_RESOLVERS])
        return
    for address in dead:
        is_local = address.startswith("127.")
        yield _GROUP.problem(
            "the DNS server {} does not answer".format(address), "Postfix (by /etc/resolv.conf) or Rspamd (by the"
            " setting 'resolver') asks it: mail is delayed, or not sent at all.",
            ["systemctl restart unbound"] if is_local else ["apt install unbound", "smallmail set resolver=local"],
            advice="" if is_local else "Correct /etc/resolv.conf. Or let this host have a resolver of its own:",
            about=[_RESOLVERS])
    if replies and not dead and not any(reply.validates for reply in replies.values()):
        yield _GROUP.note("none of this host's DNS servers validates DNSSEC ('apt install unbound' installs one that"
                          " does)")
