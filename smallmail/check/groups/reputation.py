"""Check the reputation of this host: block lists, and the reverse names of its addresses."""
import concurrent.futures
from collections import OrderedDict
from typing import TYPE_CHECKING, Iterator, List

from smallmail.accounts import domains
from smallmail.check.probes import blocklists
from smallmail.findings import Finding, Group
from smallmail.machine import addresses
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.zones import asking
from smallmail.zones.answers import Unanswered
from smallmail.zones.spf import reverse_name

if TYPE_CHECKING:
    from smallmail.zones.authority import Authority

_GROUP = Group("reputation")
_AT_ONCE = 16   # questions


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check all of the group. Yields what was found."""
    asked = asking.servers(settings.resolver)
    authority = asking.authority([settings.hostname])
    try:
        own = _own(settings, authority)
        yield from _reverse_names(settings, authority, own)
    except Unanswered as error:
        yield _GROUP.unknown("the reverse names", str(error), [])   # whose absence is not a finding here
        own = addresses.public()
    if not any(asking.resolver(address).answers for address in asked):
        yield _GROUP.unknown("the block lists", "no DNS server answers: {}".format(", ".join(asked) or "there is none"))
        return
    ask = asking.lookup(asked).ask
    questions = blocklists.questions(own, domains.domains(host))
    with concurrent.futures.ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = pool.map(lambda name: blocklists.asked(name, ask), questions.values())
    yield from blocklists.judge(OrderedDict(zip(questions, answers)), "asked by {}".format(", ".join(asked)))
    if not own and not settings.relayhost:
        yield from behind_nat(settings.hostname)


def behind_nat(hostname: str) -> Iterator[Finding]:
    """Yield that no address was looked up, for none is known."""
    yield _GROUP.unknown("this host's addresses on block lists", "the host is behind NAT, and {} has no address in"
                         " DNS".format(hostname))


def _own(settings: Settings, authority: "Authority") -> List[str]:
    """Find the addresses that others see mail come from. Returns them; none where a relayhost sends it. Raises
    Unanswered."""
    if settings.relayhost:
        return []
    known = addresses.public()
    if known:
        return known
    return [address for kind in ("A", "AAAA") for address in authority.ask(settings.hostname, kind).values
            if addresses.is_public(address)]


def _reverse_names(settings: Settings, authority: "Authority", own: List[str]) -> Iterator[Finding]:
    for address in own:
        names = [value.rstrip(".") for value in authority.ask(reverse_name(address), "PTR").values]
        yield from generic(address, [name for name in names if name != settings.hostname])


def generic(address: str, names: List[str]) -> Iterator[Finding]:
    """Yield a note for each of the address's reverse names that a provider made for any customer."""
    for name in names:
        if blocklists.is_generic(name, address):
            yield _GROUP.note("the reverse name of {} is {}, as providers name any customer's address: some servers"
                              " treat mail from such names as spam".format(address, name))
