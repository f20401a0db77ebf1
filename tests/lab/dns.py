"""The lab's DNS: a root of its own, the test domains below it, all signed, and a resolver that validates.

The root answers at the real root servers' addresses, so that a resolver on a machine under test finds its way
with the hints that Debian ships; only the key that it trusts must be the lab's (`trust_anchor`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver
import dns.reversename
import dns.rrset
import dns.tsigkeyring
import dns.update
import dns.zonefile

from .chroot import Chroot
from .errors import LabError
from .network import GATEWAY, Namespace, inside, ipv6

RESOLVER = "203.0.113.53"
REVERSE = ("113.0.203.in-addr.arpa", "3.1.1.0.8.b.d.0.1.0.0.2.ip6.arpa")
ZONES = ("example.org", "example.net", "example.com", *REVERSE)
MACHINES = ("example.org", "example.com")  # the zones of machines under test
SERVERS_OWN = ("SOA", "NS", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY")
TTL = 1  # seconds: a test that changes a record wants it seen
CONFIGURATION = Path(__file__).parent / "etc"
HEAD = f"$TTL {TTL}\n@ SOA ns.example.net. hostmaster.example.net. 1 3600 600 604800 1\n"
NAME_SERVER = f"ns.example.net. A {GATEWAY}\nns.example.net. AAAA {ipv6(GATEWAY)}\n"
KEYMGR = "keymgr -c /etc/knot/knot.conf"


class Dns:
    """Starts in the world's tree: knot where the root servers are, unbound beside the foreign server."""

    # What an RFC 2136 update is signed with: name, algorithm, secret; also written in etc/knot.conf.
    key = ("lab", "hmac-sha256", "bGFiIGtleSBmb3IgdGVzdHMgb25seSwgMzIgYnl0ZXM=")

    def __init__(self, chroot: Chroot, authority: Namespace, resolver: Namespace) -> None:
        self._chroot, self._authority, self._resolver = chroot, authority, resolver
        hints = [words for line in chroot.read("/usr/share/dns/root.hints").splitlines()
                 if len(words := line.split()) == 4]  # name, TTL, type, value
        authority.answer_for([value for _, _, kind, value in hints if kind in ("A", "AAAA")])
        self.trust_anchor = self._write_zones(chroot, "".join(f"{name} {TTL} {kind} {value}\n"
                                                              for name, _, kind, value in hints))
        chroot.write("/etc/unbound/lab.ds", self.trust_anchor)
        configuration = (CONFIGURATION / "unbound.conf").read_text(encoding="utf-8")
        chroot.write("/etc/unbound/unbound.conf", configuration)
        chroot.daemon("knotd", ["knotd"], authority, self._is_served)
        chroot.daemon("unbound", ["unbound", "-d"], resolver, self._resolves)

    def _write_zones(self, chroot: Chroot, servers: str) -> str:
        """Keys first: the root names those of the zones below it. Returns the DS record of its own key."""
        zones = "".join(f"  - domain: {zone}\n" for zone in ZONES) + '  - domain: "."\n    file: root.zone\n'
        chroot.write("/etc/knot/knot.conf",
                     (CONFIGURATION / "knot.conf").read_text(encoding="utf-8") + f"\nzone:\n{zones}")
        chroot.run("mkdir -p /run/knot /var/lib/knot/zones && chown -R knot:knot /run/knot /var/lib/knot")
        anchors = {}
        for zone in (".", *ZONES):
            chroot.run(f"{KEYMGR} {zone} generate algorithm=ecdsap256sha256 ksk=yes zsk=yes")
            anchors[zone] = _sha256_only(chroot.run(f"{KEYMGR} {zone} ds").stdout)
        delegations = "".join(f"{zone}. NS ns.example.net.\n{anchors[zone]}" for zone in ZONES)
        chroot.write("/var/lib/knot/zones/root.zone", HEAD + servers + NAME_SERVER + delegations)
        for zone in ZONES:
            own = NAME_SERVER if zone == "example.net" else ""
            chroot.write(f"/var/lib/knot/zones/{zone}.zone", f"{HEAD}@ NS ns.example.net.\n{own}")
        return anchors["."]

    def _is_served(self) -> bool:
        """Whether knot has loaded and signed all zones."""
        try:
            for zone in (".", *ZONES):
                question = dns.message.make_query(zone, "SOA", want_dnssec=True)
                with inside(self._resolver):
                    answer = dns.query.tcp(question, GATEWAY, timeout=10)
                if len(answer.answer) != 2:  # the record and its signature
                    return False
        except OSError:
            return False
        return True

    def _resolves(self) -> bool:
        try:
            return bool(self.query("ns.example.net", "A"))
        except (LabError, OSError):
            return False

    def query(self, name: str, kind: str) -> list[str]:
        """What the lab's resolver answers, as texts, none when there is nothing; a LabError when it fails."""
        wanted, answer = dns.rdatatype.from_text(kind), self._ask(name, kind).answer
        return [record.to_text() for rrset in answer if rrset.rdtype == wanted for record in rrset]

    def is_secure(self, name: str, kind: str) -> bool:
        """Whether the resolver could prove its answer, from the root's key down."""
        return bool(self._ask(name, kind).flags & dns.flags.AD)

    def _ask(self, name: str, kind: str) -> dns.message.Message:
        question = dns.message.make_query(name, kind)
        question.flags |= dns.flags.AD
        with inside(self._resolver):
            answer = dns.query.tcp(question, RESOLVER, timeout=10)
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise LabError(f"the resolver answered {dns.rcode.to_text(answer.rcode())} to {name} {kind}")
        return answer

    def set(self, zone: str, records: str) -> None:
        """Put in place all records of the names and types in a zone file's text; relative names are `zone`'s.

        It may hold records of several zones (a host's address and its reverse): each goes where it belongs.
        """
        origin = dns.name.from_text(zone)
        updates: dict[str, list[dns.rrset.RRset]] = defaultdict(list)
        for found in dns.zonefile.read_rrsets(records, origin=origin, rdclass=None, relativize=False,
                                              default_ttl=TTL):
            updates[_zone_of(found.name)].append(found)
        for place, found_there in updates.items():
            update = self._update(place)
            for rrset in found_there:
                update.replace(rrset.name, TTL, *rrset)
                if rrset.rdtype == dns.rdatatype.NS:    # the last of a zone's own stay (RFC 2136, 3.4.2.3 and 7.13)
                    for gone in self._name_servers(rrset.name) - set(rrset):
                        update.delete(rrset.name, gone)
            self._send(update)

    def _name_servers(self, name: dns.name.Name) -> set[dns.rdata.Rdata]:
        with inside(self._resolver):
            answer = dns.query.tcp(dns.message.make_query(name, "NS"), GATEWAY, timeout=10)
        return {record for rrset in answer.answer for record in rrset}

    def set_reverse(self, address: str, name: str) -> None:
        """Let an address, and its IPv6 twin, point back to a name."""
        for each in (address, ipv6(address)):
            self.set(".", f"{dns.reversename.from_address(each)} PTR {name}.\n")

    def remove_reverse(self, address: str) -> None:
        """Let an address, and its IPv6 twin, point back to nothing."""
        self.remove_all((dns.reversename.from_address(each).to_text(), "PTR") for each in (address, ipv6(address)))

    def remove(self, name: str, kind: str) -> None:
        """Forget the records of one type at a name."""
        self.remove_all([(name, kind)])

    def remove_all(self, places: Iterable[tuple[str, str]]) -> None:
        """Forget the records of many names and types at once."""
        updates: dict[str, dns.update.UpdateMessage] = {}
        for name, kind in places:
            full = dns.name.from_text(name)
            zone = _zone_of(full)
            updates.setdefault(zone, self._update(zone)).delete(full, kind)
        for update in updates.values():
            self._send(update)

    def records(self, zone: str) -> Iterator[tuple[str, str, str]]:
        """Name, type and value of all that was put into a zone, and not made by the name server itself."""
        for line in self._chroot.run(f"knotc -s /run/knot/knot.sock zone-read {zone}").stdout.splitlines():
            _, name, _, kind, value = line.split(None, 4)
            if kind not in SERVERS_OWN:
                yield name.rstrip("."), kind, value

    def empty(self) -> None:
        """Forget what earlier machines have put into the zones that are theirs."""
        self.remove_all({(name, kind) for zone in MACHINES for name, kind, _ in self.records(zone)})

    def _update(self, zone: str) -> dns.update.UpdateMessage:
        name, algorithm, secret = self.key
        keyring = dns.tsigkeyring.from_text({name: secret})
        return dns.update.UpdateMessage(zone, keyring=keyring, keyname=dns.name.from_text(name),
                                        keyalgorithm=algorithm)

    def _send(self, update: dns.update.UpdateMessage) -> None:
        with inside(self._resolver):
            answer = dns.query.tcp(update, GATEWAY, timeout=10)
        if answer.rcode() != dns.rcode.NOERROR:
            raise LabError(f"the name server answered {dns.rcode.to_text(answer.rcode())} to an update")


def _zone_of(name: dns.name.Name) -> str:
    """The test domain that a name is in; all others are the root's own, which delegates nothing else."""
    return next((zone for zone in ZONES if name.is_subdomain(dns.name.from_text(zone))), ".")


def _sha256_only(records: str) -> str:
    """Of the DS records that keymgr prints, the one of digest type 2 (RFC 4509)."""
    return "".join(f"{line}\n" for line in records.splitlines() if line.split()[4:5] == ["2"])
