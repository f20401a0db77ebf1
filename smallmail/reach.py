"""Does the host's name lead here? Asked at the authoritative servers of its zone, from the root down.

A recursive resolver is never asked for the name itself: it would keep a "no such name" for as long as the zone says,
and an answer that others have not yet.
"""
import errno
import socket
from typing import Any, List, Set, Tuple  # noqa: F401  (Set: in a type comment)

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from smallmail import addresses

_PATIENCE = 3.0         # seconds for one question to one server
_DEEPEST = 20           # referrals, more than any name has labels in practice
_ALIASES = 5            # CNAMEs that point to one another

_FAULTS = (dns.exception.DNSException, OSError, EOFError)


def obstacle(hostname: str) -> str:
    """Why a certificate for that name cannot be asked for at this host yet, in one sentence; empty when it can, also
    where nobody can tell from here (no way to the name servers, or an address that is translated on the way)."""
    try:
        found = _everywhere(hostname)
    except _FAULTS:
        return ""
    if not found:
        return "the servers of the zone of {} know no address of it yet: 'smallmail dns show' has the records to set" \
            .format(hostname)
    own = addresses.public()
    for address in sorted(found):
        if not _leads_here(address, own):
            return "{} is {} in DNS, which is not an address of this host ({}): set its A and AAAA records to those" \
                " of this host alone".format(hostname, address, ", ".join(own) or "it has no public one")
    return ""


def _leads_here(address: str, own: List[str]) -> bool:
    version6 = ":" in address
    # Without a public IPv4 address we are behind NAT, and whoever translates knows ours; IPv6 is not translated.
    if not version6 and not any(":" not in each for each in own):
        return True
    with socket.socket(socket.AF_INET6 if version6 else socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def _everywhere(hostname: str, aliases: int = 0) -> Set[str]:
    """The addresses of a name, as all authoritative servers tell them that answer; nothing while one of them has
    none."""
    name = dns.name.from_text(hostname)
    found, answered, alias = set(), False, ""  # type: Set[str], bool, str
    for server in _authorities(name):
        try:
            answers = [_ask(name, kind, [server])[0] for kind in (dns.rdatatype.A, dns.rdatatype.AAAA)]
        except _FAULTS:
            continue
        if not all(answer.flags & dns.flags.AA for answer in answers):
            continue    # lame: it does not know the zone
        here = {record.address for answer in answers for rrset in answer.answer
                if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA) for record in rrset}
        for rrset in answers[0].answer:
            if rrset.rdtype == dns.rdatatype.CNAME and not here:
                alias = str(rrset[0].target)
        if not here and not alias:
            return set()
        found |= here
        answered = True
    if not answered:
        raise dns.exception.Timeout
    return _everywhere(alias, aliases + 1) if alias and not found and aliases < _ALIASES else found


def _authorities(name: Any) -> List[str]:
    """The addresses of the servers of the zone that the name is in, found from the root down."""
    servers = _addresses([record.target for record in _resolve(".", "NS")], [])
    for _ in range(_DEEPEST):
        answer, _server = _ask(name, dns.rdatatype.A, servers)
        if answer.flags & dns.flags.AA or answer.answer:
            return servers
        below = [rrset for rrset in answer.authority if rrset.rdtype == dns.rdatatype.NS]
        if not below:
            raise dns.exception.Timeout
        servers = _addresses([record.target for record in below[0]], answer.additional)
    raise dns.exception.Timeout


def _addresses(names: List[Any], glue: List[Any]) -> List[str]:
    """The addresses of these name servers: those that came with the referral, else asked for. IPv4 first."""
    found = [record.address for rrset in glue
             if rrset.name in names and rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA) for record in rrset]
    for name in names if not found else []:
        for kind in ("A", "AAAA"):
            try:
                found += [record.address for record in _resolve(name, kind)]
            except dns.exception.DNSException:
                continue
    return sorted(found, key=lambda address: ":" in address)


def _resolve(name: Any, kind: str) -> Any:
    """Ask the host's own resolver for what surely exists: name servers and their addresses."""
    resolver = dns.resolver.get_default_resolver()
    # resolve() came with dnspython 2.0.
    return (getattr(resolver, "resolve", None) or resolver.query)(name, kind)


def _ask(name: Any, kind: Any, servers: List[str]) -> Tuple[Any, str]:
    """The first answer that one of the servers gives, and which one gave it."""
    question = dns.message.make_query(name, kind)
    question.flags &= ~dns.flags.RD
    for server in servers:
        try:
            answer = dns.query.udp(question, server, _PATIENCE)
            if answer.flags & dns.flags.TC:
                answer = dns.query.tcp(question, server, _PATIENCE)
        except _FAULTS:
            continue
        if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return answer, server
    raise dns.exception.Timeout
