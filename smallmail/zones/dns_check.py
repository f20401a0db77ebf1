"""Judge whether DNS says the right things about this host and its domains: by meaning, never letter by letter. Pure:
the answers are given. Keys and policies in TXT records are judged in meaning.py, senders in spf.py."""
import ipaddress
from collections import OrderedDict
from typing import Callable, Dict, Iterator, List, NamedTuple, Set, Tuple  # noqa: F401 (in a type comment)

from smallmail.findings import Finding, Group
from smallmail.zones import dns_records, doubled, meaning, spf, tlsa_check, zone_check
from smallmail.zones.answers import Answer, Unanswered, Zone

Wanted = NamedTuple("Wanted", [
    ("hostname", str),
    ("domains", List[str]),     # those to check
    ("addresses", List[str]),   # the host's public ones that mail leaves from; none behind NAT
    ("is_here", Callable[[str], bool]),     # whether an address is the host's
    ("records", List[dns_records.Record]),
    ("letsencrypt", bool),
    ("chain", List[Tuple[bytes, bytes]]),   # the certificate that is served, see meaning.tlsa_trouble()
    ("relay", bool),            # mail leaves through another host, whose addresses are not known here
    ("unused", List[str]),      # the names of DKIM keys that do not sign yet
    ("next", List[Tuple[bytes, bytes]]),    # the certificate that waits for its TLSA record
])
_GROUP = Group("dns")
problem, note = _GROUP.problem, _GROUP.note


def judge(wanted: Wanted, ask: Callable[[str, str], Answer], zone: Callable[[str], Zone]) -> List[Finding]:
    """Judge the records of the host and its domains. `ask` and `zone`: as in authority.Authority. Returns what was
    found."""
    return list(Check(wanted, ask, zone).everything())


class Check:
    """The parts of the check, each of which may be run alone."""

    def __init__(self, wanted: Wanted, ask: Callable[[str, str], Answer], zone: Callable[[str], Zone]) -> None:
        self.wanted, self._ask, self._zone = wanted, ask, zone
        self.unanswered = {}    # type: Dict[str, bool]
        self.lost = set()       # type: Set[str] # domains without name servers
        self.answers = OrderedDict()    # type: Dict[Tuple[str, str], Answer]

    def everything(self) -> Iterator[Finding]:
        """Run all parts. Yields what was found; what was not answered is told last, each reason once."""
        names = [self.wanted.hostname] + [name for name in self.wanted.domains if name != self.wanted.hostname]
        parts = [self.zones(names), self.of_host(self.host)] + [self.of_domain(each) for each in self.wanted.domains]
        for part in parts + [self.spf(), self.of_host(self.caa), self.of_host(self.tlsa), self.back()]:
            try:
                yield from part
            except Unanswered as error:
                self.unanswered[str(error)] = True  # what is not answered is not missing
        yield from self.disagreements()
        for sentence in self.unanswered:
            yield problem(sentence, "What could not be asked was not checked. Others may not get an answer either.",
                          ["smallmail dns check"])

    def of_host(self, part: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        """Run a part on the host's name, unless that has no name servers: this explains all that would be found."""
        if not self.is_lost(self.wanted.hostname):
            yield from part()

    def of_domain(self, domain: str) -> Iterator[Finding]:
        """Run the parts on a domain, unless that has no name servers."""
        for part in (self.mx, self.dkim, self.dmarc) if not self.is_lost(domain) else ():
            try:
                yield from part(domain)
            except Unanswered as error:
                self.unanswered[str(error)] = True

    def is_lost(self, name: str) -> bool:
        """Return whether the name is in a domain without name servers, as zones() found."""
        return any(("." + name).endswith("." + lost) for lost in self.lost)

    def ask(self, name: str, kind: str) -> List[str]:
        """Ask for the values, and remember what each server said."""
        answer = self._ask(name, kind)
        self.answers.setdefault((name, kind), answer)
        return answer.values

    def alias(self, name: str) -> str:
        """Return the name to which a CNAME of that name points; "" when it has none."""
        return (self._ask(name, "CNAME").values or [""])[0].rstrip(".")

    def addresses(self, name: str) -> List[str]:
        """Return the addresses of a name."""
        return [str(ipaddress.ip_address(text)) for kind in ("A", "AAAA") for text in self.ask(name, kind)]

    def own(self) -> List[str]:
        """Return the addresses that mail leaves from: behind NAT those that DNS has for the host."""
        return self.wanted.addresses + [address for address in self.addresses(self.wanted.hostname)
                                        if self.behind_nat(address)]

    def behind_nat(self, address: str) -> bool:
        """Return whether the host cannot know if that address is its own."""
        known = self.wanted.addresses
        return not known or (":" not in address and all(":" in each for each in known))

    def record(self, name: str, *kinds: str) -> List[str]:
        """Return the wanted records of a name, as lines of a zone file."""
        return [dns_records.zone_line(record) for record in self.wanted.records
                if record.name == name and record.type in kinds and record.value]

    def zones(self, names: List[str]) -> Iterator[Finding]:
        """Judge the zones in which these names are. Yields what was found."""
        seen = set()    # type: Set[str]
        for name in names:
            try:
                found = self._zone(name)
            except Unanswered as error:
                self.unanswered[str(error)] = True
                continue
            if found.name != name and "." not in found.name.strip("."):
                lost = ".".join(name.split(".")[-1 - len(found.name.split(".")):])
                if lost not in self.lost:
                    yield problem("{} has no name servers".format(lost), "Neither it nor a name below it can be found.",
                                  advice="At your registrar: register the domain, or set its name servers.")
                self.lost.add(lost)
            elif found.name not in seen:
                seen.add(found.name)
                yield from zone_check.servers(found)
                yield from zone_check.dnssec(found)

    def host(self) -> Iterator[Finding]:
        """Judge the addresses of the host's name. Yields what was found."""
        name, own = self.wanted.hostname, self.wanted.addresses
        alias = self.alias(name)
        if alias:
            yield problem("{} is an alias (CNAME) for {}".format(name, alias),
                          "A mail server's name must have addresses of its own (RFC 5321, 5.1; RFC 2181, 10.3).",
                          records=self.record(name, "A", "AAAA"), advice="Remove the CNAME record.")
        found = self.addresses(name)
        if not found:
            records = self.record(name, "A", "AAAA")
            yield problem("{} has no address in DNS{}".format(name, self.doubled(name, "A")),
                          "Other servers and mail programs cannot find the host.",
                          [] if records else ["smallmail dns show"], records)
        elsewhere = [address for address in found if self.behind_nat(address)]
        if elsewhere:
            yield note("this host does not see a public address of its own (NAT): {} in DNS; whether mail sent there"
                       " arrives here cannot be seen from here".format(" and ".join(elsewhere)))
        for address in found:
            if address not in own + elsewhere and not self.wanted.is_here(address):
                yield problem("{} has the address {} in DNS, which is not an address of this host".format(
                    name, address), "Mail sent there is delayed or lost.", records=self.record(name, "A", "AAAA"),
                    advice="Remove the record with that address.")
        for address in own if found else []:
            if address not in found:
                yield problem("{} is an address of this host, but {} does not have it in DNS".format(address, name),
                              "Mail sent from it looks like mail from a hijacked machine: many servers refuse it.",
                              records=self.record(name, "AAAA" if ":" in address else "A"))

    def mx(self, domain: str) -> Iterator[Finding]:
        """Judge whether mail for the domain is sent to this host. Yields what was found."""
        name, fix = self.wanted.hostname, self.record(domain, "MX")
        entries = sorted((int(value.split()[0]), value.split()[1].rstrip(".")) for value in self.ask(domain, "MX"))
        here = False
        for _, target in entries:
            if not target:
                yield problem("the MX of {} is '.'".format(domain),
                              "It says that the domain does not accept mail at all (RFC 7505).", records=fix)
            elif target.replace(".", "").isdigit():
                yield problem("an MX of {} is an address, {}".format(domain, target),
                              "An MX must be a name (RFC 1035, 3.3.9). Most servers do not deliver to this one.",
                              records=fix)
            else:
                alias, found = self.alias(target), self.addresses(target)
                here = here or target == name or bool(set(found) & set(self.own()))
                if alias and target != name:
                    yield problem("an MX of {}, {}, is an alias (CNAME) for {}".format(domain, target, alias),
                                  "An MX must have addresses of its own (RFC 2181, 10.3). Some servers refuse it.",
                                  records=fix)
                elif not found and target != name:
                    yield problem("an MX of {}, {}, has no address".format(domain, target),
                                  "Mail sent there is delayed or lost.", records=fix)
        if not entries:
            yield problem("{} has no MX record{}".format(domain, self.doubled(domain, "MX")),
                          "Other servers do not know which host accepts its mail.", records=fix)
        elif not here and any(target for _, target in entries):
            yield problem("no MX of {} points to this host ({})".format(domain, ", ".join(
                target for _, target in entries)), "Mail for the domain goes elsewhere.", records=fix)
        elif here and entries[0][1] != name and len(entries) > 1:
            yield note("mail for {} is tried at {} first".format(domain, entries[0][1]))

    def dkim(self, domain: str) -> Iterator[Finding]:
        """Judge the records of the domain's DKIM keys. Yields what was found."""
        for name, wanted in [(record.name, record.value) for record in self.wanted.records if record.type == "TXT"
                             and record.name.endswith("._domainkey." + domain)]:
            trouble = meaning.dkim_trouble(self.ask(name, "TXT"), wanted)
            if trouble and doubled.is_wildcard(self._values, self.ask(name, "TXT"), domain, "TXT"):
                trouble = meaning.dkim_trouble([], wanted)
            what = "{}: {}{}".format(name, trouble, self.doubled(name, "TXT") if trouble else "")
            if trouble and name in self.wanted.unused:
                yield note(what + "; its key does not sign until then: 'smallmail dns show' has the record")
            elif trouble:
                yield problem(what, "The signatures on mail from {} cannot be verified: much of it is filed as Junk."
                              .format(domain), records=self.record(name, "TXT"))
            elif meaning.is_testing(self.ask(name, "TXT")):
                yield note("{} says t=y: the domain is testing DKIM".format(name))

    def dmarc(self, domain: str) -> Iterator[Finding]:
        """Judge the domain's DMARC policy. Yields what was found."""
        name, own = "_dmarc." + domain, self.ask("_dmarc." + domain, "TXT")
        texts, parent = meaning.dmarc_records(own), domain
        while not texts and parent.count(".") > 1:
            parent = parent.partition(".")[2]   # RFC 7489, 6.6.3: the domain above speaks for those below
            texts = meaning.dmarc_records(self.ask("_dmarc." + parent, "TXT"))
        trouble = meaning.dmarc_trouble(texts)
        if trouble:
            yield problem("_dmarc.{}: {}{}".format(domain, trouble, self.doubled(name, "TXT")),
                          "Anyone can forge mail from {}, and large mail providers require a policy.".format(domain),
                          records=self.record(name, "TXT"))
        for target in meaning.report_domains(texts):
            if not ("." + target).endswith("." + domain) and not ("." + domain).endswith("." + target) \
                    and not meaning.dmarc_records(self.ask("{}._report._dmarc.{}".format(domain, target), "TXT")):
                yield note("{} has DMARC reports sent to {}, which does not say that it accepts them (RFC 7489, 7.1)"
                           .format(name, target))

    def spf(self) -> Iterator[Finding]:
        """Judge whether the host may send mail from its domains and from its own name. Yields what was found."""
        for domain in self.wanted.domains + [self.wanted.hostname] * (self.wanted.hostname not in self.wanted.domains):
            if not self.is_lost(domain):
                yield from self.sender(domain)

    def sender(self, domain: str) -> Iterator[Finding]:
        """Yield what keeps the host's addresses from sending mail with that domain in its envelope."""
        found = {}  # type: Dict[spf.Result, List[str]]
        for address in self.own():
            result = spf.check(address, domain, "postmaster@" + domain, self.wanted.hostname, self.look)
            found.setdefault(result, []).append(address)
        for result, addresses in sorted(found.items()):
            word = result.result
            if word == "temperror":
                self.unanswered[result.reason] = True
                continue
            if word == "pass" or (self.wanted.relay and word in ("neutral", "softfail", "fail")) \
                    or (domain not in self.wanted.domains and word in ("none", "neutral")):
                continue
            what, more = spf.meaning(result, domain, addresses)
            yield problem(what + (self.doubled(domain, "TXT") if word == "none" else ""),
                          "Other servers will treat mail from this host as forged and refuse it or file it as Junk."
                          + more, records=self.record(domain, "TXT"))

    def look(self, name: str, kind: str) -> List[str]:
        """Ask for values, for spf.check(). Raises spf.Temporary."""
        try:
            return self._ask(name, kind).values
        except Unanswered as error:
            raise spf.Temporary(str(error))

    def caa(self) -> Iterator[Finding]:
        """Judge whether Let's Encrypt may issue a certificate. Yields what was found."""
        if not self.wanted.letsencrypt:
            return
        name = self.wanted.hostname     # RFC 8659, 3: the nearest name upwards that has such a record decides
        while name.count(".") and not self.ask(name, "CAA"):
            name = name.partition(".")[2]
        entries = [value.split(None, 2) for value in self.ask(name, "CAA")] if name.count(".") else []
        issuers = [entry[2].strip('"').partition(";")[0].strip().lower() for entry in entries
                   if entry[1].lower() == "issue"]
        if issuers and "letsencrypt.org" not in issuers:
            yield problem("the CAA record of {} forbids Let's Encrypt".format(name), "The host cannot get or renew its"
                          " certificate.", records=['{}. IN CAA 0 issue "letsencrypt.org"'.format(name)])

    def tlsa(self) -> Iterator[Finding]:
        """Judge the TLSA records of port 25. Yields what was found."""
        name, wanted = "_25._tcp." + self.wanted.hostname, self.wanted
        yield from tlsa_check.judge(name, self.ask(name, "TLSA"), wanted.chain, wanted.next,
                                    self._zone(wanted.hostname), bool(self.record(name, "TLSA")))

    def back(self) -> Iterator[Finding]:
        """Yield what is wrong with reverse DNS: every address must have a name, and the name that address."""
        for address in [] if self.wanted.relay else self.own():
            names = [value.rstrip(".") for value in self.ask(spf.reverse_name(address), "PTR")]
            why = "Many servers refuse mail from an address whose reverse name is missing or does not have it."
            fix = "At your provider: set the reverse name (PTR) of {} to {}.".format(address, self.wanted.hostname)
            if not names:
                yield problem("{} has no reverse name (PTR)".format(address), why, advice=fix)
            elif not any(self.is_lost(name) or address in self.addresses(name) for name in names):
                yield problem("the reverse name of {} is {}, which does not have that address".format(
                    address, ", ".join(names)), why, advice=fix)
            elif self.wanted.hostname not in names:
                yield note("the reverse name of {} is {} and not {}".format(address, ", ".join(names),
                                                                            self.wanted.hostname))

    def disagreements(self) -> Iterator[Finding]:
        """Yield a problem for each question to which the name servers gave different answers."""
        for (name, kind), answer in self.answers.items():
            if len({tuple(values) for values in answer.said.values()}) > 1:
                yield problem("the name servers disagree on {} {}: {}".format(name, kind, "; ".join(
                    "{} says {}".format(server, ", ".join(values) or "nothing")
                    for server, values in answer.said.items())),
                    "Which answer others get is a matter of chance.", records=self.record(name, kind),
                    advice="Wait some minutes after a change. If it lasts, let all name servers have the same records.")

    def doubled(self, name: str, kind: str) -> str:
        """Return a hint that the records are at another name, or ""."""
        return doubled.hint(self._values, self.wanted.domains, name, kind)

    def _values(self, name: str, kind: str) -> List[str]:
        return self._ask(name, kind).values
