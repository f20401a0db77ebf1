"""The check of the ways in and out: are the ports open, does the firewall here let others in, does mail get out?"""
import concurrent.futures
from typing import Dict, Iterator, List, Tuple

from smallmail.check.probes import firewall, outbound
from smallmail.check.probes.outbound import Target
from smallmail.daemons import listening, running
from smallmail.findings import Finding, Group
from smallmail.machine import addresses, services
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings
from smallmail.tls import certbot
from smallmail.zones import resolver
from smallmail.zones.answers import Unanswered

_GROUP = Group("ports")
_OUT = "mail gets out"      # in all sentences on it: what cannot be asked hides what was found yesterday
_FAMILIES = [("A", "IPv4"), ("AAAA", "IPv6")]


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """All of the group."""
    if services.managed():
        for address in filter(None, (addresses.leaving(kind) for kind, _ in _FAMILIES)):
            yield from silent(address, [port.number for port in listening.PUBLIC if not running.answers(port, address)])
        yield _GROUP.note("whether others reach this host's ports cannot be seen from here; elsewhere type"
                          " 'nc -v {} 25'".format(settings.hostname))
    wanted = [port.number for port in listening.PUBLIC]
    if settings.certificate == "letsencrypt" and settings.acme_challenge == "http":
        wanted.append(listening.HTTP)
        trouble = certbot.obstacle(host, settings)
        if trouble:
            yield _GROUP.problem("port 80 is not free for Let's Encrypt", "{}. The certificate is not renewed."
                                 .format(trouble), "smallmail certificate status")
    yield from barred(firewall.closed(_ruleset(host), wanted))
    yield from _out(settings)


def silent(address: str, numbers: List[int]) -> Iterator[Finding]:
    """The ports that should be open at that address of ours."""
    if numbers:
        yield _GROUP.problem("nothing answers as it should at {}, port {}".format(address, _listed(numbers)),
                             "Mail from others or mail programs do not get in.",
                             "smallmail status\npostconf inet_interfaces inet_protocols; doveconf listen")


def barred(numbers: List[int]) -> Iterator[Finding]:
    """The ports at which the host's own firewall lets nobody in."""
    if numbers:
        yield _GROUP.problem("the firewall on this host lets nobody in on port {}".format(_listed(numbers)),
                             "Mail from others, mail programs or Let's Encrypt do not get in.",
                             "where you have ufw: {}\nelse: nft list ruleset".format(
                                 "; ".join("ufw allow {}/tcp".format(number) for number in numbers)))


def _out(settings: Settings) -> Iterator[Finding]:
    ask = resolver.Lookup(resolver.servers(["system"])).ask
    try:
        wanted = list(outbound.targets(settings.relayhost, ask))
    except Unanswered as error:
        yield _GROUP.unknown("whether mail gets out: {}".format(error), _OUT)
        return
    families = [family for family in _FAMILIES if addresses.leaving(family[0])]
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(_FAMILIES)) as pool:
        ways = list(pool.map(lambda family: outbound.tried(wanted, family[0], ask), families))
    if settings.relayhost:
        yield from relay(settings.relayhost, [pair for said in ways for pair in said.items()])
        return
    for (kind, word), said in zip(families, ways):
        yield from blocked(word, said, not said or not all(said.values()) or resolver.online(kind))


def blocked(family: str, said: Dict[Target, str], online: bool) -> Iterator[Finding]:
    """Whether connections to port 25 of others get through. `said`: by each server tried, empty where all was well."""
    if not said:
        if family == "IPv4":
            yield _GROUP.unknown("whether mail gets out by IPv4: no server was found to try it with",
                                 _OUT)
        return
    words = "; ".join("{} {}".format(target.name, each) for target, each in said.items() if each)
    refusals = [each for each in said.values() if each.startswith("says: ")]
    if not all(said.values()):
        return
    if refusals:
        yield _GROUP.note("other servers do not welcome this host: {}".format(words))
    elif not online:
        yield _GROUP.unknown("whether mail gets out by {}: nothing out there answers".format(family),
                             "{} by {}".format(_OUT, family))
    else:
        yield _GROUP.problem(
            "no {} by {}: connections to port 25 of others do not get through".format(_OUT, family),
            "{}. Many providers block that port until they are asked.".format(words),
            "ask your provider to open port 25; or: smallmail set relayhost=[NAME]:587; a firewall of your own:"
            " nft list ruleset")


def relay(name: str, said: List[Tuple[Target, str]]) -> Iterator[Finding]:
    """Whether the relayhost takes connections. `said`: at each of its addresses, empty where all was well."""
    if not said:
        yield _GROUP.unknown("whether mail gets out: no address of the relayhost {} was found".format(name),
                             "the relayhost")
    elif all(words for _, words in said):
        target, words = said[0]
        yield _GROUP.problem("the relayhost {} does not take connections".format(name), "{} port {}: {}. Mail waits in"
                             " the queue.".format(target.name, target.port, words),
                             "smallmail show relayhost\npostqueue -p")


def _listed(numbers: List[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _ruleset(host: Host) -> str:
    try:
        return host.run(["timeout", "20", "nft", "list", "ruleset"])
    except Failed:
        return ""   # not installed, or not to be seen from in here
