"""Is what DNS says about this host and its domains right? By meaning, never letter by letter. Pure: the answers are
given. Keys and policies in TXT records are judged in dnstexts.py."""
import ipaddress
from typing import Callable, Dict, Iterator, List, NamedTuple, Set, Tuple  # noqa: F401 (in a type comment)

from smallmail.findings import Finding, Group
from smallmail.zones import dns_records, meaning, spf, tlsa_check
from smallmail.zones.answers import Answer, Unanswered, Zone

Wanted = NamedTuple("Wanted", [
    ("hostname", str),
    ("domains", List[str]),     # those to check
    ("addresses", List[str]),   # the host's public ones that mail leaves from; none behind NAT
    ("is_here", Callable[[str], bool]),     # whether an address is the host's
    ("records", List[dns_records.Record]),
    ("letsencrypt", bool),
    ("chain", List[Tuple[bytes, bytes]]),   # the certificate that is served, see dnstexts.tlsa_trouble()
    ("relay", bool),            # mail leaves by another host, whose addresses are not known here
    ("unused", List[str]),      # the names of DKIM keys that do not sign yet
    ("next", List[Tuple[bytes, bytes]]),    # the certificate that is not served yet because of its TLSA record
])
_GROUP = Group("dns")
problem, note = _GROUP.problem, _GROUP.note


def findings(wanted: Wanted, ask: Callable[[str, str], Answer], zone: Callable[[str], Zone]) -> List[Finding]:
    """All that is wrong, and notes on what is worth knowing. `ask` and `zone`: as in authority.Authority."""
    return list(Check(wanted, ask, zone).everything())


class Check:
    """The parts of the check; each may be had alone."""

    def __init__(self, wanted: Wanted, ask: Callable[[str, str], Answer], zone: Callable[[str], Zone]) -> None:
        self.wanted, self._ask, self._zone = wanted, ask, zone
        self.unanswered = {}    # type: Dict[str, bool]
        self.seen = []          # type: List[Tuple[str, str, Answer]]
        self.published = set()  # type: Set[str]

    def everything(self) -> Iterator[Finding]:
        names = [self.wanted.hostname] + [name for name in self.wanted.domains if name != self.wanted.hostname]
        parts = [self.zones(names), self.host()]
        for domain in self.wanted.domains:
            parts += [self.mx(domain), self.dkim(domain), self.dmarc(domain)]
        for part in parts + [self.spf(), self.caa(), self.tlsa(), self.back()]:
            try:
                yield from part
            except Unanswered as error:
                self.unanswered[str(error)] = True  # what nobody answers is not missing
        yield from self.disagreements()
        for sentence in self.unanswered:
            yield problem(sentence, "What could not be asked could not be checked; others may not be able to ask"
                          " either.", "smallmail dns check")

    def ask(self, name: str, kind: str) -> List[str]:
        """The values, where all that the servers said is remembered."""
        answer = self._ask(name, kind)
        if len(answer.said) > 1 and (name, kind) not in [(seen[0], seen[1]) for seen in self.seen]:
            self.seen.append((name, kind, answer))
        return answer.values

    def alias(self, name: str) -> str:
        return (self._ask(name, "CNAME").values or [""])[0].rstrip(".")

    def addresses(self, name: str) -> List[str]:
        return [str(ipaddress.ip_address(text)) for kind in ("A", "AAAA") for text in self.ask(name, kind)]

    def own(self) -> List[str]:
        """The addresses that mail leaves from: behind NAT those that DNS has for the host."""
        return self.wanted.addresses + [address for address in self.addresses(self.wanted.hostname)
                                        if self.behind_nat(address)]

    def behind_nat(self, address: str) -> bool:
        """Whether the host can't know that address, nor that it is not its own."""
        known = self.wanted.addresses
        return not known or (":" not in address and all(":" in each for each in known))

    def record(self, name: str, *kinds: str) -> str:
        """The wanted records of a name, as what to type."""
        return "\n".join(dns_records.zone_line(record) for record in self.wanted.records
                         if record.name == name and record.type in kinds and record.value)

    def zones(self, names: List[str]) -> Iterator[Finding]:
        seen = set()    # type: Set[str]
        for name in names:
            try:
                found = self._zone(name)
            except Unanswered as error:
                self.unanswered[str(error)] = True
                continue
            if found.name != name and "." not in found.name.strip("."):
                yield problem("{} has no name servers".format(name), "Nobody can find anything below it.",
                              "at your registrar: register it, or set its name servers")
            elif found.name not in seen:
                seen.add(found.name)
                yield from _servers(found)
                yield from _dnssec(found)

    def host(self) -> Iterator[Finding]:
        name, own = self.wanted.hostname, self.wanted.addresses
        alias = self.alias(name)
        if alias:
            yield problem("{} is an alias (CNAME) for {}".format(name, alias),
                          "A mail server's name must have addresses of its own (RFC 5321, 5.1; RFC 2181, 10.3).",
                          self.record(name, "A", "AAAA"))
        found = self.addresses(name)
        if not found:
            yield problem("{} has no address in DNS{}".format(name, self.doubled(name, "A")),
                          "Nobody can find the host.", self.record(name, "A", "AAAA") or "smallmail dns show")
        elsewhere = [address for address in found if self.behind_nat(address)]
        if elsewhere:
            yield note("this host does not see a public address of its own (NAT): {} in DNS; whether mail for it comes"
                       " here can't be seen from here".format(" and ".join(elsewhere)))
        for address in found:
            if address not in own + elsewhere and not self.wanted.is_here(address):
                yield problem("{} leads to {}, which is not an address of this host".format(name, address),
                              "Mail that others send there is late or lost.", self.record(name, "A", "AAAA"))
        for address in own if found else []:
            if address not in found:
                yield problem("{} is an address of this host, but {} does not lead to it".format(address, name),
                              "Mail that leaves from it looks like that of a hijacked machine: many refuse it.",
                              self.record(name, "AAAA" if ":" in address else "A"))

    def mx(self, domain: str) -> Iterator[Finding]:
        name, fix = self.wanted.hostname, self.record(domain, "MX")
        entries = sorted((int(value.split()[0]), value.split()[1].rstrip(".")) for value in self.ask(domain, "MX"))
        here = False
        for _, target in entries:
            if not target:
                yield problem("the MX of {} is '.'".format(domain),
                              "That says: this domain takes no mail at all (RFC 7505).", fix)
            elif target.replace(".", "").isdigit():
                yield problem("an MX of {} is an address, {}".format(domain, target),
                              "An MX is a name (RFC 1035, 3.3.9); most servers do not deliver to this one.", fix)
            else:
                alias, found = self.alias(target), self.addresses(target)
                here = here or target == name or bool(set(found) & set(self.own()))
                if alias and target != name:
                    yield problem("an MX of {}, {}, is an alias (CNAME) for {}".format(domain, target, alias),
                                  "An MX must have addresses of its own (RFC 2181, 10.3); some servers refuse it.", fix)
                elif not found and target != name:
                    yield problem("an MX of {}, {}, has no address".format(domain, target),
                                  "Mail that is tried there is late or lost.", fix)
        if not entries:
            yield problem("{} has no MX record{}".format(domain, self.doubled(domain, "MX")),
                          "Others do not know which host takes its mail.", fix)
        elif not here and any(target for _, target in entries):
            yield problem("no MX of {} leads to this host ({})".format(domain, ", ".join(each[1] for each in entries)),
                          "Mail for the domain goes elsewhere.", fix)
        elif here and entries[0][1] != name and len(entries) > 1:
            yield note("mail for {} is tried at {} first".format(domain, entries[0][1]))

    def dkim(self, domain: str) -> Iterator[Finding]:
        for name, wanted in [(record.name, record.value) for record in self.wanted.records if record.type == "TXT"
                             and record.name.endswith("._domainkey." + domain)]:
            trouble = meaning.dkim_trouble(self.ask(name, "TXT"), wanted)
            what = "{}: {}{}".format(name, trouble, self.doubled(name, "TXT") if trouble else "")
            if trouble and name in self.wanted.unused:
                yield note(what + "; its key signs nothing before that: 'smallmail dns show' has the record")
            elif trouble:
                yield problem(what, "Signatures on mail from {} can't be verified: much of it lands in Junk.".format(
                    domain), self.record(name, "TXT"))
            elif meaning.is_testing(self.ask(name, "TXT")):
                yield note("{} says t=y: the domain is testing DKIM".format(name))

    def dmarc(self, domain: str) -> Iterator[Finding]:
        name, own = "_dmarc." + domain, self.ask("_dmarc." + domain, "TXT")
        texts, parent = meaning.dmarc_records(own), domain
        while not texts and parent.count(".") > 1:
            parent = parent.partition(".")[2]   # RFC 7489, 6.6.3: the domain above speaks for those below
            texts = meaning.dmarc_records(self.ask("_dmarc." + parent, "TXT"))
        trouble = meaning.dmarc_trouble(texts)
        if trouble:
            yield problem("_dmarc.{}: {}{}".format(domain, trouble, self.doubled(name, "TXT")),
                          "Anybody may send in the name of {}, and big mail providers want a policy.".format(domain),
                          self.record(name, "TXT"))
        for target in meaning.report_domains(texts):
            if not ("." + target).endswith("." + domain) and not ("." + domain).endswith("." + target) \
                    and not meaning.dmarc_records(self.ask("{}._report._dmarc.{}".format(domain, target), "TXT")):
                yield note("{} sends DMARC reports to {}, which has not said that it wants them (RFC 7489, 7.1)"
                           .format(name, target))

    def spf(self) -> Iterator[Finding]:
        for domain in self.wanted.domains + [self.wanted.hostname] * (self.wanted.hostname not in self.wanted.domains):
            yield from self.sender(domain)

    def sender(self, domain: str) -> Iterator[Finding]:
        """Whether all own addresses may send in that name."""
        fix = self.record(domain, "TXT")
        found = {}  # type: Dict[Tuple[str, str], List[str]]
        for address in self.own():
            result, reason = spf.check(address, domain, "postmaster@" + domain, self.wanted.hostname, self.look)
            found.setdefault((result, reason), []).append(address)
        for (result, reason), addresses in sorted(found.items()):
            if result == "temperror":
                self.unanswered[reason] = True
                continue
            if result == "pass" or (self.wanted.relay and result in ("neutral", "softfail", "fail")) \
                    or (domain not in self.wanted.domains and result in ("none", "neutral")):
                continue
            if result == "none":
                reason += self.doubled(domain, "TXT")
            yield problem("SPF of {}: {} for {}: {}".format(domain, result, " and ".join(addresses), reason),
                          "Others take mail that this host sends for forged: it is refused or lands in Junk.", fix)

    def look(self, name: str, kind: str) -> List[str]:
        try:
            return self._ask(name, kind).values
        except Unanswered as error:
            raise spf.Temporary(str(error))

    def caa(self) -> Iterator[Finding]:
        """RFC 8659, 3: the nearest name upwards that has any such record decides."""
        if not self.wanted.letsencrypt:
            return
        name = self.wanted.hostname
        while name.count(".") and not self.ask(name, "CAA"):
            name = name.partition(".")[2]
        entries = [value.split(None, 2) for value in self.ask(name, "CAA")] if name.count(".") else []
        issuers = [entry[2].strip('"').partition(";")[0].strip().lower() for entry in entries
                   if entry[1].lower() == "issue"]
        if issuers and "letsencrypt.org" not in issuers:
            yield problem("the CAA record of {} forbids Let's Encrypt".format(name), "The host can't get or renew its"
                          " certificate.", '{}. IN CAA 0 issue "letsencrypt.org"'.format(name))

    def tlsa(self) -> Iterator[Finding]:
        name, wanted = "_25._tcp." + self.wanted.hostname, self.wanted
        yield from tlsa_check.findings(name, self.ask(name, "TLSA"), wanted.chain, wanted.next,
                                      self._zone(wanted.hostname), bool(self.record(name, "TLSA")))

    def back(self) -> Iterator[Finding]:
        """Forward-confirmed reverse DNS: every address names the host, and the name leads back to the address."""
        for address in [] if self.wanted.relay else self.own():
            names = [value.rstrip(".") for value in self.ask(spf.reverse_name(address), "PTR")]
            why = "Many refuse mail from an address without a reverse name that leads back to it."
            fix = "at your provider: set the reverse (PTR) of {} to {}".format(address, self.wanted.hostname)
            if not names:
                yield problem("{} has no reverse name (PTR)".format(address), why, fix)
            elif not any(address in self.addresses(name) for name in names):
                yield problem("{} points back to {}, which does not lead to it".format(address, ", ".join(names)),
                              why, fix)
            elif self.wanted.hostname not in names:
                yield note("{} points back to {} and not to {}".format(address, ", ".join(names),
                                                                       self.wanted.hostname))

    def disagreements(self) -> Iterator[Finding]:
        for name, kind, answer in self.seen:
            if len({tuple(values) for values in answer.said.values()}) > 1:
                yield problem("the name servers disagree on {} {}: {}".format(name, kind, "; ".join(
                    "{} says {}".format(server, ", ".join(values) or "nothing")
                    for server, values in answer.said.items())),
                    "Others get the one answer or the other, by chance. After a change this passes in some minutes.",
                    self.record(name, kind))

    def doubled(self, name: str, kind: str) -> str:
        """A hint at the commonest slip in web forms: a full name where one below the zone was wanted."""
        for domain in self.wanted.domains:
            twice = "{}.{}".format(name, domain)
            try:
                there = ("." + name).endswith("." + domain) and self._ask(twice, kind).values
            except Unanswered:
                there = False
            if there:
                return "; but there is one at {}: the form of your DNS host adds the domain by itself".format(twice)
        return ""


def _servers(zone: Zone) -> Iterator[Finding]:
    for server, trouble in zone.troubles.items():
        yield problem("name server {} of {} {}".format(server, zone.name, trouble),
                      "Those who ask it wait, or do not find the domain.", "at your DNS host: mend it or take it out")
    if zone.own and zone.delegated and set(zone.own) != set(zone.delegated):
        yield problem("the zone above names other name servers for {} ({}) than the zone itself ({})".format(
            zone.name, ", ".join(zone.delegated), ", ".join(zone.own)),
            "Some of those who ask come to servers that are not meant.",
            "at your registrar: the same name servers as in the zone")


def _dnssec(zone: Zone) -> Iterator[Finding]:
    if not zone.own:
        return  # nobody answered for it: nothing is known
    broken = "is not signed" if not zone.signed else zone.broken
    if zone.ds and broken:
        yield problem("{} {}, but the zone above says that it is signed (DS)".format(zone.name, broken),
                      "For everybody who validates DNSSEC the domain does not exist.",
                      "at your registrar: take the DS record out, or at your DNS host: sign the zone again; the DS"
                      " record must be the one that it names then")
    elif zone.ds:
        yield note("{} is signed (DNSSEC)".format(zone.name))
    elif zone.signed:
        yield note("{} is signed, but the zone above has no DS record: nobody can verify it".format(zone.name))
