"""Ask a resolver, as this host's daemons ask theirs: with its cache. The host's own records are asked for past all
caches, in authority.py. Others reach this module through asking.py, for it loads dnspython."""
from typing import List, NamedTuple, Optional

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver

from smallmail.zones import record_kinds  # noqa: F401 (loads them)
from smallmail.zones.answers import Unanswered, value_text

_PATIENCE = 5.0     # seconds for one question, all servers taken together
_PATH = "/etc/resolv.conf"
Asked = NamedTuple("Asked", [("answers", bool), ("validates", bool)])


def servers(words: List[str]) -> List[str]:
    """Find the addresses that are asked with that value of the setting `resolver`. Returns them; none where
    /etc/resolv.conf does not exist or names none."""
    if words == ["local"]:
        return ["127.0.0.1"]
    if words != ["system"]:
        return words
    try:
        return [str(address) for address in dns.resolver.Resolver(_PATH).nameservers]
    except (dns.exception.DNSException, OSError):
        return []


class Lookup:
    """Asks these servers."""

    def __init__(self, addresses: List[str]) -> None:
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = addresses
        self._resolver.lifetime = _PATIENCE

    def ask(self, name: str, kind: str) -> List[str]:
        """Ask for the records of that type at a name. Returns their values, none when there are none. Raises
        Unanswered."""
        ask = getattr(self._resolver, "resolve", None) or self._resolver.query     # dnspython 2 and 1
        try:
            return [value_text(each) for each in ask(name.rstrip(".") + ".", kind)]
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered("no DNS server answers the question for {} {} ({})".format(
                name, kind, type(error).__name__))


def resolver(address: str) -> Asked:
    """Ask the resolver at that address. Returns whether it answers, and whether it validates DNSSEC (RFC 4035, 3.2.3:
    the AD bit)."""
    said = _question(address, recursive=True)
    return Asked(said is not None and said.rcode() == dns.rcode.NOERROR and bool(said.answer),
                 said is not None and bool(said.flags & dns.flags.AD))


def is_there(address: str) -> bool:
    """Return whether a name server answers at that address."""
    return _question(address) is not None


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
