"""Talk to the name server that takes dynamic updates of a zone (RFC 2136); each message is signed (TSIG, RFC 8945)."""
import contextlib
import socket
from typing import Any, Dict, List, NamedTuple, Tuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

from smallmail.errors import Problem
from smallmail.publishing import name_servers
from smallmail.publishing.dns_plan import Change, Entry
from smallmail.publishing.name_servers import NameServer
from smallmail.zones.answers import value_text
from smallmail.zones.dns_records import Record, zone_value

_TIMEOUT = 10.0     # seconds for one question; a server that signs a large zone takes some for an update

# RFC 2136, 2.2: the answers to an update whose prerequisites are not met any more.
_RACED = (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN)
_FORBIDDEN = (dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.NOTZONE, dns.rcode.NOTIMP)

# What a name server has at a name: the record set (None when there is none), and whether the answer was for that name.
Seen = NamedTuple("Seen", [("rrset", Any), ("alias", str), ("elsewhere", bool)])


class Changed(Exception):
    """Someone else changed the records between our reading and our writing: nothing was done."""


class Refused(Problem):
    """The server answered and did nothing. (After any other Problem it is not known whether the update was made.)"""


def entry(record: Record) -> Entry:
    """Convert a record to the form in which answers are compared. Raises Problem if its value does not fit its type."""
    return Entry(record.name.lower().rstrip("."), record.type, value_text(_rdata(record.type, zone_value(record))))


class Primary:
    """The name server that takes the updates of one zone."""

    def __init__(self, server: NameServer, zone: str) -> None:
        self._server, self._zone = server, dns.name.from_text(zone)
        try:
            self._key = dns.name.from_text(server.key)
        except (dns.exception.DNSException, ValueError):
            raise Refused("/{}: dns_rfc2136_name is '{}', which is not a valid key name".format(
                name_servers.PATH, server.key))
        self._address = ""
        self.label = server.server + (" port {}".format(server.port) if server.port != 53 else "")

    def obstacle(self) -> str:
        """Return why this server does not take updates of the zone, or "". Raises Problem if it cannot be asked."""
        found = self._ask(self._name(), "SOA")
        if found.rcode() == dns.rcode.NOERROR and found.flags & dns.flags.AA and found.answer:
            said = self._update([])     # an empty update shows whether our key may change the zone
            return self._refusal(said) if said in _FORBIDDEN else ""
        return "the name server {} does not serve the zone {} to this host: if another server takes its updates," \
            " write that one into /{}, in a section [{}]".format(
                self.label, self._name(), name_servers.PATH, self._name())

    def read(self, name: str, kind: str) -> Seen:
        """Read the records of that type at that name. Raises Problem."""
        said = self._ask(name, kind)
        if said.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise Refused("the name server {} answers {} to a question for {}".format(
                self.label, dns.rcode.to_text(said.rcode()), name))
        full = dns.name.from_text(name)
        alias = said.get_rrset(said.answer, full, dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias and self.synthesized([(name, "CNAME")]):
            return Seen(None, "", False)
        apexes = [rrset.name for rrset in said.authority if rrset.rdtype == dns.rdatatype.SOA]
        return Seen(said.get_rrset(said.answer, full, dns.rdataclass.IN, dns.rdatatype.from_text(kind)),
                    value_text(alias[0]).rstrip(".") if alias else "",
                    not said.flags & dns.flags.AA or any(apex != self._zone for apex in apexes))

    def synthesized(self, keys: List[Tuple[str, str]]) -> List[Tuple[str, str]]:
        """Return those of the record sets, by name and type, that come from a wildcard (RFC 4592): it no longer counts
        at a name that gets a record. The server tells by an update that only has prerequisites (RFC 2136, 2.4.1)."""
        return [] if not keys or self._has(keys) else [key for key in keys if not self._has([key])]

    def _has(self, keys: List[Tuple[str, str]]) -> bool:
        return self._update(keys) not in _RACED

    def _update(self, keys: List[Tuple[str, str]]) -> Any:
        """Send an update that changes nothing, with the prerequisite that these exist. Returns the answer's code."""
        question = dns.update.Update(self._zone)
        for name, kind in keys:
            question.present(dns.name.from_text(name), kind)
        self._sign(question)
        return self._exchange(question).rcode()

    def update(self, changes: List[Change], seen: Dict[Tuple[str, str], Any]) -> None:
        """Make these changes, all or none, if the record sets are still as they were seen (RFC 2136, 2.4). Raises
        Changed if they are not, Refused if the server does not do it, Problem if it is not known whether it did."""
        message = dns.update.Update(self._zone)
        for name, kind in sorted({(change.place.name, change.place.type) for change in changes}):
            full, rrset = dns.name.from_text(name), seen.get((name, kind))
            if rrset:
                message.present(full, *rrset)
            else:
                message.absent(full, kind)
                # RFC 2136, 3.4.2.2: beside an alias the server would ignore our records without an error.
                message.absent(full, "CNAME")
        for change in changes:
            _write(message, change, seen.get((change.place.name, change.place.type)))
        self._sign(message)
        said = self._exchange(message)
        if said.rcode() in _RACED:
            raise Changed()
        if said.rcode() != dns.rcode.NOERROR:
            raise Refused(self._refusal(said.rcode()))

    def _ask(self, name: str, kind: str) -> Any:
        question = dns.message.make_query(dns.name.from_text(name), kind)
        question.flags &= ~dns.flags.RD
        self._sign(question)
        return self._exchange(question)

    def _sign(self, message: Any) -> None:
        message.use_tsig({self._key: self._server.secret}, self._key,
                         algorithm=dns.name.from_text(self._server.algorithm))

    def _exchange(self, message: Any) -> Any:
        key, where = self._server.key, "/" + name_servers.PATH
        try:
            said = dns.query.tcp(message, self._found_address(), timeout=_TIMEOUT, port=self._server.port)
        except (dns.tsig.PeerBadKey, dns.message.UnknownTSIGKey):
            # Knot also gives this answer for a key that it knows and that may not update the zone.
            raise Refused("the name server {} does not accept the key '{}' with {} for the zone {}: compare"
                          " dns_rfc2136_name and dns_rfc2136_algorithm in {} with its configuration, and check that it"
                          " lets that key update the zone".format(
                              self.label, key, self._server.algorithm, self._name(), where))
        except (dns.tsig.PeerBadSignature, dns.tsig.PeerBadTruncation):
            raise Refused("the name server {} does not accept our signature with the key '{}': compare"
                          " dns_rfc2136_secret and dns_rfc2136_algorithm in {} with its configuration".format(
                              self.label, key, where))
        except dns.tsig.PeerBadTime:
            raise Refused("this host's clock and that of the name server {} differ by minutes: 'timedatectl' shows"
                          " whether this one is right".format(self.label))
        except (dns.exception.Timeout, EOFError, ValueError, OSError) as error:
            raise Problem("the name server {} cannot be reached by TCP, port {}{}: is dns_rfc2136_server in {} right,"
                          " and that port open on the way?".format(
                              self._server.server, self._server.port, _because(error), where))
        except dns.exception.DNSException:
            raise Problem("the name server {} does not answer signed questions correctly: is dns_rfc2136_server in {}"
                          " right?".format(self.label, where))
        if not said.had_tsig and said.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise Problem("the name server {} does not sign its answers, so they may be forged".format(
                self.label))
        return said

    def _found_address(self) -> str:
        """Return the first of the server's addresses that accepts connections. Raises OSError."""
        if not self._address:
            last = OSError("it has no address")
            for found in socket.getaddrinfo(self._server.server, self._server.port, type=socket.SOCK_STREAM):
                try:
                    with contextlib.closing(socket.create_connection(found[4][:2], _TIMEOUT)):
                        self._address = str(found[4][0])
                        return self._address
                except OSError as error:
                    last = error
            raise last
        return self._address

    def _name(self) -> str:
        return str(self._zone.to_text(omit_final_dot=True))

    def _refusal(self, code: Any) -> str:
        if code in (dns.rcode.NOTAUTH, dns.rcode.NOTZONE):
            return "the name server {} is not the primary server of the zone {}: write that one into /{}, in a" \
                " section [{}]".format(self.label, self._name(), name_servers.PATH, self._name())
        if code == dns.rcode.REFUSED:
            return "the name server {} does not let the key '{}' change the zone {}: allow it there".format(
                self.label, self._server.key, self._name())
        return "the name server {} answers {} to an update of the zone {}".format(
            self.label, dns.rcode.to_text(code), self._name())


def _write(message: Any, change: Change, rrset: Any) -> None:
    name = dns.name.from_text(change.place.name)
    for rdata in rrset or []:
        if value_text(rdata) in change.remove:
            message.delete(name, rdata)
    for value in change.add:
        text = zone_value(Record(change.place.name, change.place.type, value, ""))
        message.add(name, change.ttl, _rdata(change.place.type, text))


def _rdata(kind: str, text: str) -> Any:
    try:
        return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text)
    except (dns.exception.DNSException, ValueError) as error:
        raise Problem("'{}' is not a {} record: {}".format(text, kind, error))


def _because(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) else ""
    return " ({})".format(words.lower()) if words else ""
