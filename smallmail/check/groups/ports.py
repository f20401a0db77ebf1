"""Check the ways in and out: whether the ports are open, whether the firewall on this host lets others in, and whether
mail gets out."""
import concurrent.futures
from collections import OrderedDict
from typing import Dict, Iterator, List, Tuple

from smallmail.check.probes import firewall, outbound
from smallmail.check.probes.outbound import Greeting, Target
from smallmail.daemons import listening, running, table
from smallmail.daemons.listening import Port
from smallmail.findings import Finding, Group
from smallmail.machine import addresses, services
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings
from smallmail.tls import certbot
from smallmail.zones import asking
from smallmail.zones.answers import Unanswered

_GROUP = Group("ports")
_FAMILIES = [("A", "IPv4"), ("AAAA", "IPv6")]
_RELAY = "relayhost"

# What it means that a daemon is silent, and what shows where it listens.
_SILENT = {
    "postfix": ("Neither other servers nor mail programs can deliver mail to it.",
                "postconf inet_interfaces inet_protocols"),
    "dovecot": ("Mail programs cannot connect to read mail.", "doveconf listen"),
}


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check all of the group. Yields what was found."""
    if services.managed():
        at = OrderedDict()  # type: Dict[Tuple[Port, ...], List[str]]
        for address in filter(None, (addresses.leaving(kind) for kind, _ in _FAMILIES)):
            doors = tuple(port for port in listening.PUBLIC if not running.answers(port, address))
            at.setdefault(doors, []).append(address)
        for doors, silent_at in at.items():     # IPv4 and IPv6 mostly have the same cause
            yield from silent(" and ".join(silent_at), list(doors))
        yield from unseen(settings.hostname)
    wanted = [port.number for port in listening.PUBLIC]
    if settings.certificate == "letsencrypt" and settings.acme_challenge == "http":
        wanted.append(listening.HTTP)
        yield from port_80(certbot.obstacle_to_renewal(host, settings))
    yield from barred(firewall.closed(_ruleset(host), wanted))
    yield from _out(settings)


def unseen(hostname: str) -> Iterator[Finding]:
    """Yield a note on what this check cannot know."""
    yield _GROUP.note("whether others reach this host's ports cannot be seen from here; type 'nc -v {} 25' on another"
                      " machine".format(hostname))


def silent(address: str, doors: List[Port]) -> Iterator[Finding]:
    """Yield a problem for each daemon that does not answer at that address of the host, given its silent ports. It
    explains what other checks find at these ports."""
    by_daemon = OrderedDict()  # type: Dict[str, List[int]]
    for port in doors:
        by_daemon.setdefault(port.daemon, []).append(port.number)
    for daemon, numbers in by_daemon.items():
        why, command = _SILENT[daemon]
        yield _GROUP.problem(
            "{} does not respond correctly at {}, port {}".format(daemon.capitalize(), address, _listed(numbers)), why,
            ["smallmail status", command], about=[table.BY_NAME[daemon].unit],
            hides=["port {}".format(number) for number in numbers])


def port_80(trouble: str) -> Iterator[Finding]:
    """Yield a problem when Let's Encrypt cannot use port 80, given why in words."""
    if trouble:
        yield _GROUP.problem("port 80 is not free for Let's Encrypt", "{}. The certificate is not renewed.".format(
            trouble[0].upper() + trouble[1:]), ["smallmail certificate status"])


def barred(numbers: List[int]) -> Iterator[Finding]:
    """Yield a problem when the host's own firewall does not let anyone in at these ports."""
    if numbers:
        yield _GROUP.problem("the firewall on this host does not let anyone in on port {}".format(_listed(numbers)),
                             "Incoming mail, mail programs or Let's Encrypt cannot connect.", ["nft list ruleset"],
                             advice="Allow the ports in the firewall. Its rules are shown by the command below; if it"
                             " is ufw, type: {}".format("; ".join("ufw allow {}/tcp".format(each) for each in numbers)))


def _out(settings: Settings) -> Iterator[Finding]:
    ask = asking.lookup(asking.servers(["system"])).ask
    try:
        wanted = list(outbound.targets(settings.relayhost, ask))
    except Unanswered as error:
        yield unresolved(str(error))
        return
    families = [family for family in _FAMILIES if addresses.leaving(family[0])]
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(_FAMILIES)) as pool:
        ways = list(pool.map(lambda family: outbound.tried(wanted, family[0], ask), families))
    if settings.relayhost:
        yield from relay(settings.relayhost, [pair for greetings in ways for pair in greetings.items()])
        return
    for (kind, word), greetings in zip(families, ways):
        answered = any(greeting.is_right for greeting in greetings.values())
        yield from blocked(word, greetings, not greetings or answered or asking.online(kind))


def unresolved(error: str) -> Finding:
    """Return that outgoing mail was not checked, given why the servers to try were not found."""
    return _GROUP.unknown("outgoing mail", error, [_RELAY] + [_outgoing(word) for _, word in _FAMILIES])


def _outgoing(family: str) -> str:
    return "outgoing mail over " + family


def blocked(family: str, greetings: Dict[Target, Greeting], online: bool) -> Iterator[Finding]:
    """Judge whether connections to port 25 of other servers get through. `greetings`: what each server tried said;
    `online`: whether there is a way to the internet. Yields what was found."""
    if not greetings:
        if family == "IPv4":
            yield _GROUP.unknown(_outgoing(family), "no test server could be resolved", [_outgoing(family)])
        return
    if any(greeting.is_right for greeting in greetings.values()):
        return
    words = "; ".join("{} {}".format(target.name, greeting.words) for target, greeting in greetings.items())
    if any(greeting.is_there for greeting in greetings.values()):
        yield _GROUP.note("other servers reject connections from this host: {}".format(words))
    elif not online:
        yield _GROUP.unknown(_outgoing(family), "no server on the internet answers", [_outgoing(family)])
    else:
        yield _GROUP.problem(
            "mail is not sent over {}: connections to port 25 of other servers do not get through".format(family),
            "{}. Many providers block that port until they are asked.".format(words),
            advice="Ask your provider to open port 25, or send through another server (smallmail set"
            " relayhost=[NAME]:587). If this host has a firewall of its own, 'nft list ruleset' shows its rules.",
            about=[_outgoing(family)])


def relay(name: str, greetings: List[Tuple[Target, Greeting]]) -> Iterator[Finding]:
    """Judge whether the relayhost accepts connections. `greetings`: what each of its addresses said. Yields what was
    found."""
    if not greetings:
        yield _GROUP.unknown("outgoing mail", "no address of the relayhost {} was found".format(name), [_RELAY])
    elif not any(greeting.is_right for _, greeting in greetings):
        target, greeting = greetings[0]
        yield _GROUP.problem("the relayhost {} does not accept connections".format(name), "{} port {} {}. Mail waits in"
                             " the queue.".format(target.name, target.port, greeting.words),
                             ["smallmail show relayhost", "postqueue -p"], about=[_RELAY])


def _listed(numbers: List[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _ruleset(host: Host) -> str:
    try:
        return host.run(["nft", "list", "ruleset"], seconds=20)
    except Failed:
        return ""   # not installed, or not to be seen in this container
