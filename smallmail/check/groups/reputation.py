"""The check of what others think of this host: block lists, and the name that its addresses point back to."""
import concurrent.futures
from collections import OrderedDict
from typing import Iterator, List

from smallmail.accounts import domains
from smallmail.check.probes import blocklists
from smallmail.findings import Finding, Group
from smallmail.machine import addresses
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.zones import resolver
from smallmail.zones.answers import Unanswered
from smallmail.zones.authority import Authority
from smallmail.zones.spf import reverse_name

_GROUP = Group("reputation")
_AT_ONCE = 16   # questions


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """All of the group."""
    asked = resolver.servers(settings.resolver)
    authority = Authority([settings.hostname])
    try:
        own = _own(settings, authority)
        yield from _reverse_names(settings, authority, own)
    except Unanswered as error:
        yield _GROUP.unknown("the reverse names: {}".format(error), "points back")
        own = addresses.public()
    if not any(resolver.resolver(address).answers for address in asked):
        yield _GROUP.unknown("the block lists: no DNS server answers ({})".format(", ".join(asked) or "there is none"))
        return
    ask = resolver.Lookup(asked).ask
    questions = blocklists.questions(own, domains.domains(host))
    with concurrent.futures.ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = pool.map(lambda name: blocklists.asked(name, ask), questions.values())
    yield from blocklists.judged(OrderedDict(zip(questions, answers)), "asked by {}".format(", ".join(asked)))
    if not own and not settings.relayhost:
        yield _GROUP.unknown("this host's addresses on block lists: behind NAT, and {} has none in DNS".format(
            settings.hostname))


def _own(settings: Settings, authority: Authority) -> List[str]:
    """The addresses that others see mail come from: none where a relayhost sends it."""
    if settings.relayhost:
        return []
    known = addresses.public()
    if known:
        return known
    return [address for kind in ("A", "AAAA") for address in authority.ask(settings.hostname, kind).values
            if addresses.is_public(address)]


def _reverse_names(settings: Settings, authority: Authority, own: List[str]) -> Iterator[Finding]:
    for address in own:
        for name in (value.rstrip(".") for value in authority.ask(reverse_name(address), "PTR").values):
            if name != settings.hostname and blocklists.is_generic(name, address):
                yield _GROUP.note("{} points back to {}, a name as providers give it to any customer: some take mail"
                                  " from such ones for spam".format(address, name))
