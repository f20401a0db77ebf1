"""Ask a domain's own name servers, one by one. There is no cache in between, and no cache learns from a check that a
name does not exist yet: the system's resolver is asked for the root's servers and for the addresses of name servers.
Others reach this module through asking.py, for it loads dnspython."""
import concurrent.futures
import hashlib
import random
import time
from collections import OrderedDict
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple  # noqa: F401 (in a type comment)

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from smallmail.machine import addresses
from smallmail.zones import record_kinds  # noqa: F401 (loads them)
from smallmail.zones.answers import PATIENCE, Answer, Server, Unanswered, Zone, value_text

_TRIES = (1.5, 3.0)     # seconds for each try of one question at one server
_BUFFER = 1232          # DNS flag day 2020: fits every path unfragmented
_DEPTH = 12             # delegations and aliases followed, one after the other
_ROOTS = 4              # root servers tried
_DIGESTS = {1: hashlib.sha1, 2: hashlib.sha256, 4: hashlib.sha384}      # IANA's registry of DS digest types
_Cut = NamedTuple("_Cut", [("name", Any), ("servers", List[Server]), ("above", List[Server]), ("names", List[str])])


class Authority:
    """Asks name servers. Names at or below `own` are asked at every server of their zone, others at the first that
    answers."""

    def __init__(self, own: List[str], patience: float = PATIENCE, resolvers: Optional[List[str]] = None) -> None:
        """Prepare. `patience`: seconds for all questions; `resolvers`: addresses to ask instead of those of
        /etc/resolv.conf."""
        self._own = [dns.name.from_text(name) for name in own]
        self._deadline = time.monotonic() + patience
        self._resolvers = resolvers
        self._kinds = [kind for kind in ("A", "AAAA") if addresses.leaving(kind)]
        self._cuts = {}     # type: Dict[Any, _Cut]
        self._answers = {}  # type: Dict[Tuple[str, str], Answer]
        self._lifetimes = {}    # type: Dict[Tuple[str, str], int]
        self._silent = set()    # type: Set[str]

    def ask(self, name: str, kind: str, depth: int = 0) -> Answer:
        """Ask for the records of that type at a name, and follow aliases. Returns the answer. Raises Unanswered."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._answers:
            try:
                self._answers[key] = self._asked(dns.name.from_text(name), kind, depth)
            except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
                raise Unanswered("{} is not a valid name".format(name))
        return self._answers[key]

    def lifetime(self, name: str, kind: str) -> int:
        """Return for how many seconds others may keep what was answered to that question (TTL): the longest of what the
        servers say."""
        self.ask(name, kind)
        return self._lifetimes.get((name.lower().rstrip("."), kind), 0)

    def apex(self, name: str) -> str:
        """Return the name of the zone that a name is in. Raises Unanswered."""
        return _text(self._cut(dns.name.from_text(name)).name)

    def zone(self, name: str) -> Zone:
        """Look at the zone that a name is in, and at its name servers. Returns it. Raises Unanswered."""
        cut = self._cut(dns.name.from_text(name))
        own, expired, signed = set(), False, False
        troubles = OrderedDict()    # type: Dict[Server, str]
        for server, said in self._everywhere(cut.servers, cut.name, "NS"):
            if isinstance(said, str):
                troubles[server] = said
                continue
            own.update(_values(said, cut.name, "NS"))
            signatures = [each for rrset in said.answer if rrset.rdtype == dns.rdatatype.RRSIG for each in rrset]
            signed = signed or bool(signatures)
            expired = expired or any(each.expiration < time.time() for each in signatures)
        for each in sorted(set(cut.names) | own):
            if not any(server.name == each for server in cut.servers):
                troubles[Server(each, "")] = "has no address that this host can ask"
        above = self._first(cut.above, cut.name, "DS", lambda said: True) if cut.above else None
        if cut.above and above is None:
            raise Unanswered("no name server of the zone above {} answers".format(_text(cut.name)))
        ds = _records(above, "DS")
        broken = "has signatures that have expired" if expired else ""
        if ds and signed and not broken:
            keys = _records(self._first(cut.servers, cut.name, "DNSKEY", _is_final), "DNSKEY")
            if not any(_names(each, key, cut.name) for each in ds for key in keys):
                broken = "is not signed by a key that the zone above knows"
        return Zone(_text(cut.name), sorted(cut.names), sorted(own), troubles, bool(ds), signed, broken)

    def _asked(self, name: Any, kind: str, depth: int) -> Answer:
        if depth > _DEPTH:
            raise Unanswered("{}: too many aliases, one behind the other".format(_text(name)))
        cut = self._cut(name)
        said = OrderedDict()    # type: Dict[Server, List[str]]
        if any(name.is_subdomain(own) for own in self._own):
            answers = [(server, message) for server, message in self._everywhere(cut.servers, name, kind)
                       if not isinstance(message, str)]
        else:
            first = self._first(cut.servers, name, kind, _is_final)
            answers = [(Server("", ""), first)] if first else []
        if not answers:
            raise Unanswered("no name server of {} answers (asked: {})".format(
                _text(cut.name), ", ".join(map(str, cut.servers))))
        self._lifetimes[_text(name).lower(), kind] = max(
            [rrset.ttl for _, message in answers for rrset in message.answer if rrset.name == name] or [0])
        for server, message in answers:
            said[server] = sorted(_values(message, name, kind) or _values(message, name, "CNAME"))
        values, alias = _values(answers[0][1], name, kind), _values(answers[0][1], name, "CNAME")
        if alias and not values:
            return Answer(self.ask(alias[0], kind, depth + 1).values, alias[0].rstrip("."), said)
        return Answer(values, "", said)

    def _cut(self, name: Any, depth: int = 0) -> _Cut:
        """Find the zone that a name is in, from the root downwards. Returns it. Raises Unanswered."""
        cut = self._root()
        for known in self._cuts.values():
            if name.is_subdomain(known.name) and len(known.name) > len(cut.name):
                cut = known
        for _ in range(_DEPTH):
            said = self._first(cut.servers, name, "SOA", lambda said: _is_final(said) or bool(_below(said, cut, name)))
            if said is None:
                break
            delegation = _below(said, cut, name)
            if not delegation:
                apex = _apex(said)
                if apex is None:    # an alias: its zone is that of the name above it, at least
                    return self._cut(name.parent(), depth + 1)
                if apex == cut.name:
                    return cut
                # The same servers have both zones: they answered from the lower one at once.
                lower = self._first(cut.servers, apex, "NS", _is_final)
                return self._keep(apex, lower, _values(lower, apex, "NS") if lower else [], cut)
            cut = self._keep(delegation.name, said, [value_text(each) for each in delegation], cut)
        raise Unanswered("no name server of {} answers (asked: {})".format(
            _text(cut.name), ", ".join(map(str, cut.servers)) or "none, for none has an address"))

    def _keep(self, name: Any, said: Any, names: List[str], above: _Cut) -> _Cut:
        """Remember a zone; the name servers that it names itself count beside those that the zone above names."""
        self._cuts[name] = _Cut(name, [], above.servers, names)  # for its servers' names may lead back here
        servers = self._servers(names, said)
        self._cuts[name] = cut = _Cut(name, servers, above.servers, names)
        if any(name.is_superdomain(own) for own in self._own):
            own = self._first(servers, name, "NS", _is_final)
            more = sorted(set(_values(own, name, "NS")) - set(names)) if own else []
            self._cuts[name] = cut = cut._replace(servers=servers + self._servers(more, own))
        return cut

    def _servers(self, names: List[str], said: Any) -> List[Server]:
        """Find the addresses of name servers, in the answer that named them, else by asking (RFC 9471: an answer need
        not have those of a server whose name is in another zone). Returns them."""
        found = []
        for name in names:
            full = dns.name.from_text(name)
            addresses = [value_text(each) for rrset in (said.additional if said else []) if rrset.name == full
                         for each in rrset if dns.rdatatype.to_text(rrset.rdtype) in self._kinds]
            if not addresses:
                is_own = any(full.is_subdomain(own) for own in self._own)
                ask = self._told if is_own else self._resolve
                addresses = [address for kind in self._kinds for address in ask(name, kind)]
            found += [Server(name, address) for address in addresses]
        return found

    def _told(self, name: str, kind: str) -> List[str]:
        """Ask the name's own zone. Returns what it says; nothing where its servers cannot be found."""
        try:
            return self.ask(name, kind).values
        except Unanswered:
            return []

    def _root(self) -> _Cut:
        root = dns.name.root
        if root not in self._cuts:
            names = self._resolve(".", "NS")
            random.shuffle(names)
            servers = [Server(name, address) for name in names[:_ROOTS] for kind in self._kinds
                       for address in self._resolve(name, kind)]
            self._cuts[root] = _Cut(root, servers, [], names)
        if not self._cuts[root].servers:
            raise Unanswered("the system's resolver does not tell the addresses of the root's name servers")
        return self._cuts[root]

    def _resolve(self, name: str, kind: str) -> List[str]:
        """Ask the system's resolver, which is done for names alone that have existed for long."""
        try:
            resolver = dns.resolver.Resolver(configure=self._resolvers is None)
            if self._resolvers is not None:
                resolver.nameservers = self._resolvers
            resolver.lifetime = max(0.1, min(5.0, self._deadline - time.monotonic()))
            ask = getattr(resolver, "resolve", None) or resolver.query    # dnspython 2 and 1
            return [value_text(each) for each in ask(dns.name.from_text(name), kind)]
        except (dns.exception.DNSException, OSError):
            return []

    def _everywhere(self, servers: List[Server], name: Any, kind: str) -> List[Tuple[Server, Any]]:
        """Ask every server. Returns the answer of each, or in words why there is none."""
        if not servers:
            return []
        with concurrent.futures.ThreadPoolExecutor(max_workers=min(16, len(servers))) as pool:
            asked = [pool.submit(self._question, server, name, kind) for server in servers]
        said = [each.result() for each in asked]
        return [(server, message if isinstance(message, str) or _is_final(message) else _refusal(message))
                for server, message in zip(servers, said)]

    def _first(self, servers: List[Server], name: Any, kind: str, serves: Any) -> Any:
        for server in servers:
            said = self._question(server, name, kind)
            if not isinstance(said, str) and serves(said):
                return said
        return None

    def _question(self, server: Server, name: Any, kind: str) -> Any:
        """Ask one server. Returns its answer, or in words why there is none."""
        trouble = "does not answer"
        if server.address in self._silent:
            return trouble
        for timeout in _TRIES:
            left = self._deadline - time.monotonic()
            if left <= 0:
                return "was not asked: no time was left"
            try:
                return _exchange(server.address, name, kind, min(timeout, left))
            except dns.exception.Timeout:
                trouble = "does not answer"
            except (dns.exception.DNSException, EOFError, ValueError):
                trouble = "answers with something that is not DNS"
            except OSError as error:
                trouble = "cannot be reached: {}".format(error.strerror or error)
        self._silent.add(server.address)
        return trouble


def _exchange(address: str, name: Any, kind: str, timeout: float) -> Any:
    """Ask by UDP, and by TCP when the answer does not fit; without EDNS where the server does not know it (RFC 6891,
    7). Returns the answer."""
    for edns in (0, -1):
        question = dns.message.make_query(name, kind, use_edns=edns, want_dnssec=edns == 0,
                                          payload=_BUFFER if edns == 0 else None)
        question.flags &= ~dns.flags.RD
        said = dns.query.udp(question, address, timeout=timeout, ignore_unexpected=True)
        if said.flags & dns.flags.TC:
            said = dns.query.tcp(question, address, timeout=timeout)
        if said.rcode() not in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
            break
    return said


def _is_final(said: Any) -> bool:
    """Return whether the server answers for the zone of the name."""
    return bool(said.flags & dns.flags.AA) and said.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


def _refusal(said: Any) -> str:
    if said.rcode() == dns.rcode.NOERROR:
        return "does not serve this zone (lame delegation)"
    return "answers {}".format(dns.rcode.to_text(said.rcode()))


def _below(said: Any, cut: _Cut, name: Any) -> Any:
    """Return the NS records of a delegation further down towards the name, if the answer is one."""
    for rrset in said.authority:
        if rrset.rdtype == dns.rdatatype.NS and not said.flags & dns.flags.AA and rrset.name != cut.name \
                and rrset.name.is_subdomain(cut.name) and name.is_subdomain(rrset.name):
            return rrset
    return None


def _apex(said: Any) -> Any:
    return next((rrset.name for rrset in said.answer + said.authority if rrset.rdtype == dns.rdatatype.SOA), None)


def _values(said: Any, name: Any, kind: str) -> List[str]:
    wanted = dns.rdatatype.from_text(kind)
    return [value_text(each) for rrset in said.answer if rrset.name == name and rrset.rdtype == wanted
            for each in rrset]


def _records(said: Any, kind: str) -> List[Any]:
    return [each for rrset in (said.answer if said else []) if rrset.rdtype == dns.rdatatype.from_text(kind)
            for each in rrset]


def _names(ds: Any, key: Any, zone: Any) -> bool:
    """Return whether the DS record belongs to the key (RFC 4034, 5.1.4), or has a digest that we do not know."""
    digest = _DIGESTS.get(int(ds.digest_type))
    return digest is None or digest(zone.to_digestable() + key.to_digestable()).digest() == ds.digest


def _text(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True))
