"""Decide by SPF (RFC 7208) whether an address may send mail in a domain's name. Pure: the look-ups are given."""
import ipaddress
import re
from typing import Any, Callable, List, NamedTuple, Tuple
from urllib.parse import quote

from smallmail.zones import spf_record

Result = NamedTuple("Result", [("result", str), ("reason", str)])

# (name, type) -> values: TXT joined, A and AAAA as addresses, names without the dot at their end; none when there is
# no such record. Raises Temporary when no server answers.
Look = Callable[[str, str], List[str]]
_LIMIT = 10         # 4.6.4: terms that ask DNS
_VOID_LIMIT = 2     # 4.6.4: of them those that find nothing
_LONGEST_NAME = 253

# 2.6: what each result means for the host whose addresses were tried, and for which of them the reason says more.
_MEANINGS = {
    "none": ("{domain} has no SPF record", ""),
    "fail": ("the SPF record of {domain} does not allow this host's {addresses}", " The reason: {reason}."),
    "softfail": ("the SPF record of {domain} disapproves of this host's {addresses}", " The reason: {reason}."),
    "neutral": ("the SPF record of {domain} does not say whether this host's {addresses} may send",
                " The reason: {reason}."),
    "permerror": ("the SPF record of {domain} is not valid: {reason}", ""),
}


class Temporary(Exception):
    """A look-up that no server answered."""


class _Permanent(Exception):
    pass


def check(address: str, domain: str, sender: str, helo: str, look: Look) -> Result:
    """Run check_host() of RFC 7208, 4. Returns the result, with the reason in words."""
    if not _is_askable(domain) or "." not in domain.strip("."):
        return Result("none", "{} is not a full and valid name".format(spf_record.shown(domain)))     # 4.3
    try:
        return _Check(address, sender, helo, look).host(domain)
    except Temporary as error:
        return Result("temperror", str(error))
    except (_Permanent, spf_record.Invalid) as error:
        return Result("permerror", str(error))


def meaning(result: Result, domain: str, addresses: List[str]) -> Tuple[str, str]:
    """Put into words what a result means for this host, whose addresses these are. Returns what is wrong, and a
    sentence with the reason; the latter is empty where the former has it."""
    words = "{} {}".format("address" if len(addresses) == 1 else "addresses", " and ".join(addresses))
    what, more = (text.format(domain=domain, addresses=words, reason=result.reason)
                  for text in _MEANINGS[result.result])
    return what, more


def records(texts: List[str]) -> List[str]:
    """Select the TXT values that are SPF records (4.5). Returns them."""
    return [text for text in texts if re.match(r"v=spf1( |\Z)", text, re.IGNORECASE)]


class _Check:
    """One run of check_host(), which counts the questions to DNS. Its methods raise _Permanent, spf_record.Invalid and
    Temporary."""

    def __init__(self, address: str, sender: str, helo: str, look: Look) -> None:
        ip = ipaddress.ip_address(address)
        self.ip = getattr(ip, "ipv4_mapped", None) or ip    # 5: such an address is an IPv4 address
        self.sender, self.helo, self._ask = sender, helo, look
        self.terms = self.voids = 0

    def host(self, domain: str) -> Result:
        """Evaluate the record of a domain (4.4 to 4.7). Returns the result."""
        found = records(self.ask(domain, "TXT"))
        if not found:
            return Result("none", "{} has no SPF record".format(domain))
        if len(found) > 1:
            raise _Permanent("{} has {} SPF records, but one is allowed".format(domain, len(found)))
        for term in spf_record.parse(found[0], domain):
            if term.name == "redirect":
                return self.redirected(term, domain)
            if self.matches(term, domain):
                return Result(term.result, "'{}' of {} matches".format(term.text, domain))
        return Result("neutral", "nothing in the record of {} matches".format(domain))

    def redirected(self, term: spf_record.Term, domain: str) -> Result:
        """Evaluate the record of the domain that takes this one's place (6.1). Returns the result."""
        self.count()
        target = self.expand(term.target, domain)
        result = self.host(target)
        if result.result == "none":
            raise _Permanent("redirect={}: that name has no SPF record".format(target))
        return result

    def matches(self, term: spf_record.Term, domain: str) -> bool:
        """Return whether a mechanism matches (5)."""
        if term.name == "all":
            return True
        if term.name in ("ip4", "ip6"):
            return self.ip.version == term.network.version and self.ip in term.network
        self.count()
        target = self.expand(term.target, domain) if term.target else domain
        if term.name == "include":
            return self.included(target)
        if term.name == "exists":
            return bool(self.look(target, "A"))
        if term.name == "ptr":
            return any(_is_below(each, target) for each in self.validated())
        bits = term.bits[self.ip.version]
        return self.at(target, bits) if term.name == "a" else self.exchanges(target, bits)

    def exchanges(self, target: str, bits: int) -> bool:
        """Return whether the address is one of those that take a domain's mail (5.4)."""
        names = [value.split()[-1].rstrip(".") for value in self.look(target, "MX")]
        if len(names) > _LIMIT:
            raise _Permanent("mx:{}: more than {} hosts".format(target, _LIMIT))
        return any(self.at(each, bits, counted=False) for each in names if each)

    def included(self, target: str) -> bool:
        """Return whether the record of another domain lets the address pass (5.2)."""
        result = self.host(target)
        if result.result == "none":
            raise _Permanent("include:{}: that name has no SPF record".format(target))
        return result.result == "pass"

    def at(self, name: str, bits: int, counted: bool = True) -> bool:
        """Return whether the address is in the networks of that size around the addresses of a name."""
        kind = "A" if self.ip.version == 4 else "AAAA"
        found = self.look(name, kind) if counted else self.ask(name, kind)
        return any(self.ip in ipaddress.ip_network("{}/{}".format(each, bits), strict=False) for each in found)

    def validated(self) -> List[str]:
        """Return the reverse names of the address that have this address themselves. What cannot be asked does not
        count (5.5)."""
        found = []
        try:
            names = [value.rstrip(".") for value in self.look(reverse_name(str(self.ip)), "PTR")]
        except Temporary:
            return []
        for name in names[:_LIMIT]:
            try:
                found += [name] if self.at(name, self.ip.max_prefixlen, counted=False) else []
            except Temporary:
                continue
        return found

    def count(self) -> None:
        """Count a term that asks DNS."""
        self.terms += 1
        if self.terms > _LIMIT:
            raise _Permanent("more than {} terms need DNS (include, a, mx, ptr, exists, redirect)".format(_LIMIT))

    def look(self, name: str, kind: str) -> List[str]:
        """Ask DNS, and count a question that finds nothing. Returns the values."""
        found = self.ask(name, kind)
        if not found:
            self.voids += 1
            if self.voids > _VOID_LIMIT:
                raise _Permanent("more than {} look-ups find nothing, the last: {} {}".format(_VOID_LIMIT, name, kind))
        return found

    def ask(self, name: str, kind: str) -> List[str]:
        """Ask DNS. Returns the values: none for a name that cannot exist (4.8)."""
        return self._ask(name, kind) if _is_askable(name) else []

    def expand(self, text: str, domain: str) -> str:
        """Expand macros (7.3). Returns a name."""
        def one(match: Any) -> str:
            letter, digits, turned, delimiters, literal = match.groups()
            if literal:
                return {"%": "%", "_": " ", "-": "%20"}[literal]
            parts = re.split("[{}]".format(re.escape(delimiters or ".")), self.macro(letter.lower(), domain))
            if turned:
                parts.reverse()
            value = ".".join(parts[-int(digits):] if digits else parts)
            return quote(value, safe="-._~") if letter.isupper() else value

        expanded = spf_record.MACRO.sub(one, text).rstrip(".")
        while len(expanded) > _LONGEST_NAME and "." in expanded:
            expanded = expanded.partition(".")[2]
        return expanded

    def macro(self, letter: str, domain: str) -> str:
        """Return the value of a macro letter (7.2)."""
        local, _, after = self.sender.rpartition("@")
        if letter == "i":
            if self.ip.version == 4:
                return str(self.ip)
            return ".".join(self.ip.exploded.replace(":", ""))
        if letter == "p":
            return self.reverse(domain)
        return {"s": self.sender, "l": local, "o": after, "d": domain, "h": self.helo,
                "v": "in-addr" if self.ip.version == 4 else "ip6"}[letter]

    def reverse(self, domain: str) -> str:
        """Return the name that %{p} stands for: the domain, else a name below it, else any (7.3)."""
        names = self.validated()
        names.sort(key=lambda name: (name.lower() != domain.lower(), not _is_below(name, domain)))
        return (names or ["unknown"])[0]


def _is_below(name: str, domain: str) -> bool:
    return ("." + name.lower()).endswith("." + domain.lower())


def _is_askable(name: str) -> bool:
    """Return whether DNS can have such a name (RFC 1035, 2.3.4)."""
    labels = name.rstrip(".").split(".")
    return len(name) <= _LONGEST_NAME + 1 and all(0 < len(label.encode("utf-8")) < 64 for label in labels)


def reverse_name(address: str) -> str:
    """Return the name at which an address's PTR records are."""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return ".".join(reversed(str(ip).split("."))) + ".in-addr.arpa"
    return ".".join(reversed(ip.exploded.replace(":", ""))) + ".ip6.arpa"
