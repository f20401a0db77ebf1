"""The check of DNS: the resolvers that this host asks, what the domains' own name servers say, and DKIM's keys."""
import time
from typing import Dict, Iterator, List

from smallmail import wanted_records
from smallmail.accounts import domains
from smallmail.dkim import rotation
from smallmail.findings import Finding, Group
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import tlsa
from smallmail.zones import dns_check, resolver
from smallmail.zones.answers import Unanswered
from smallmail.zones.authority import Authority
from smallmail.zones.resolver import Asked

_GROUP = Group("dns")


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """All of the group."""
    yield from rotation.findings(host, time.time())
    yield from resolvers({address: resolver.resolver(address)
                          for address in resolver.servers(["system"]) + resolver.servers(settings.resolver)})
    try:
        Authority([]).ask(".", "NS")
    except Unanswered as error:
        yield _GROUP.unknown("the records in DNS: {}".format(error))
        return
    yield from records(host, settings, domains.domains(host))


def records(host: Host, settings: Settings, chosen: List[str]) -> List[Finding]:
    """What is wrong with the records of the host and of these domains."""
    tlsa.look(host, settings.hostname)
    authority = Authority([settings.hostname] + chosen)
    return dns_check.findings(wanted_records.wanted(host, settings, chosen), authority.ask, authority.zone)


def resolvers(asked: Dict[str, Asked]) -> Iterator[Finding]:
    """Whether those that Postfix and Rspamd ask do their work."""
    if not asked:
        yield _GROUP.problem("/etc/resolv.conf names no DNS server", "Without DNS no mail goes out, and none from"
                             " elsewhere comes in.", "apt install unbound\necho 'nameserver 127.0.0.1'"
                             " >/etc/resolv.conf")
    dead = [address for address, said in asked.items() if not said.answers]
    if dead and not any(resolver.online(kind) for kind in resolver.ROOTS):
        yield _GROUP.unknown("the resolvers: neither they ({}) nor any root server answers".format(", ".join(dead)),
                             "the DNS server")
        return
    for address in dead:
        yield _GROUP.problem(
            "the DNS server {} does not answer".format(address),
            "Postfix (/etc/resolv.conf) and Rspamd (the setting 'resolver') ask it: mail is late, or waits.",
            "systemctl restart unbound" if address.startswith("127.") else
            "mend /etc/resolv.conf; or: apt install unbound, then: smallmail set resolver=local")
    if asked and not dead and not any(said.validates for said in asked.values()):
        yield _GROUP.note("no DNS server that this host asks validates DNSSEC ('apt install unbound' brings one)")
