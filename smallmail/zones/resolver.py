"""Questions to a resolver, as this host's daemons ask theirs: with its cache. What the host's own records are, is asked
past all caches, in authority.py."""
from typing import List, NamedTuple, Optional

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver

from smallmail.zones.answers import Unanswered, value_text

_PATIENCE = 5.0     # seconds for one question, all servers taken together
_PATH = "/etc/resolv.conf"

# Of the root's servers those that have had their addresses longest (root.hints): they answer whoever has a network.
ROOTS = {"A": ["198.41.0.4", "192.5.5.241", "192.36.148.17"],
         "AAAA": ["2001:503:ba3e::2:30", "2001:500:2f::f", "2001:7fe::53"]}
Asked = NamedTuple("Asked", [("answers", bool), ("validates", bool)])


def servers(words: List[str]) -> List[str]:
    """The addresses that are asked with that setting of `resolver`."""
    if words == ["local"]:
        return ["127.0.0.1"]
    if words != ["system"]:
        return words
    try:
        return [str(address) for address in dns.resolver.Resolver(_PATH).nameservers]
    except (dns.exception.DNSException, OSError):
        return []   # no such file, or none in it


class Lookup:
    """Asks these servers."""

    def __init__(self, addresses: List[str]) -> None:
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = addresses
        self._resolver.lifetime = _PATIENCE

    def ask(self, name: str, kind: str) -> List[str]:
        """The values; none when there are none. Raises Unanswered."""
        ask = getattr(self._resolver, "resolve", None) or self._resolver.query     # dnspython 2 and 1
        try:
            return [value_text(each) for each in ask(name.rstrip(".") + ".", kind)]
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered("nobody answers what the {} of {} is ({})".format(kind, name, type(error).__name__))


def resolver(address: str) -> Asked:
    """Whether that resolver answers, and whether it validates DNSSEC (RFC 4035, 3.2.3: the AD bit)."""
    said = _question(address, recursive=True)
    return Asked(said is not None and said.rcode() == dns.rcode.NOERROR and bool(said.answer),
                 said is not None and bool(said.flags & dns.flags.AD))


def online(kind: str) -> bool:
    """Whether there is a way out with addresses of that kind (A or AAAA): some root server answers."""
    return any(_question(address) is not None for address in ROOTS[kind])


def _question(address: str, recursive: bool = False) -> Optional[dns.message.Message]:
    question = dns.message.make_query(".", "NS", want_dnssec=True)
    if recursive:
        question.flags |= dns.flags.RD | dns.flags.AD
    for timeout in (1.0, 2.0):
        try:
            return dns.query.udp(question, address, timeout=timeout, ignore_unexpected=True)
        except (dns.exception.DNSException, OSError, EOFError, ValueError):
            continue
    return None
