"""Decide by SPF (RFC 7208) whether an address may send mail in a domain's name. Pure: the look-ups are given."""
import ipaddress
import re
from typing import Any, Callable, List, NamedTuple, Optional, Tuple
from urllib.parse import quote

Result = NamedTuple("Result", [("result", str), ("reason", str)])

# (name, type) -> values: TXT joined, A and AAAA as addresses, names without the dot at their end; none when there is
# no such record. Raises Temporary when no server answers.
Look = Callable[[str, str], List[str]]
_LIMIT = 10         # 4.6.4: terms that ask DNS
_VOID_LIMIT = 2     # 4.6.4: of them those that find nothing
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_TERM = re.compile(r"([-+~?]?)([a-z][a-z0-9]*)(?:([:/])(.*))?$", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][-a-z0-9_.]*)=(.*)$", re.IGNORECASE)
_MACRO = re.compile(r"%(?:\{([slodiphcrtv])(\d*)(r?)([-.+,/_=]*)\}|([%_-])|)", re.IGNORECASE)

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
    try:
        return _Check(address, sender, helo, look).host(domain)
    except Temporary as error:
        return Result("temperror", str(error))
    except _Permanent as error:
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
    return [text for text in texts if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]


class _Check:
    """One run of check_host(), which counts the questions to DNS. All methods raise _Permanent and Temporary."""

    def __init__(self, address: str, sender: str, helo: str, look: Look) -> None:
        self.ip = ipaddress.ip_address(address)
        self.sender, self.helo, self._look = sender, helo, look
        self.terms = self.voids = 0

    def host(self, domain: str) -> Result:
        """Evaluate the record of a domain (4.4 to 4.7). Returns the result."""
        found = records(self._look(domain, "TXT"))
        if not found:
            return Result("none", "{} has no SPF record".format(domain))
        if len(found) > 1:
            raise _Permanent("{} has {} SPF records, but one is allowed".format(domain, len(found)))
        mechanisms, redirect = _parse(found[0], domain)
        for sign, name, mark, argument in mechanisms:
            if self.matches(name, mark, argument, domain):
                term = "{}{}{}".format(name, mark, argument)
                return Result(_RESULTS[sign], "'{}' of {} matches".format(sign.replace("+", "") + term, domain))
        if redirect is None:
            return Result("neutral", "nothing in the record of {} matches".format(domain))
        self.count()
        target = self.expand(redirect, domain)
        result = self.host(target)
        if result.result == "none":
            raise _Permanent("redirect={}: that name has no SPF record".format(target))
        return result

    def matches(self, name: str, mark: str, argument: str, domain: str) -> bool:
        """Return whether a mechanism matches (5)."""
        if name == "all":
            return True
        if name in ("ip4", "ip6"):
            network = ipaddress.ip_network(argument, strict=False)
            return self.ip.version == network.version and self.ip in network
        self.count()
        if name == "include":
            return self.included(self.expand(argument, domain))
        if name == "exists":
            return bool(self.look(self.expand(argument, domain), "A"))
        return self.points_here(name, mark, argument, domain)

    def points_here(self, name: str, mark: str, argument: str, domain: str) -> bool:
        """Return whether one of the mechanisms a, mx and ptr matches."""
        target, prefix = _split(mark, argument, self.ip.version)
        target = self.expand(target, domain) if target else domain
        if name == "a":
            return self.at(target, prefix)
        if name == "mx":
            exchangers = [value.split()[-1].rstrip(".") for value in self.look(target, "MX")]
            if len(exchangers) > _LIMIT:
                raise _Permanent("mx:{}: more than {} hosts".format(target, _LIMIT))
            return any(self.at(each, prefix, counted=False) for each in exchangers if each)
        return any(("." + each.lower()).endswith("." + target.lower()) for each in self.validated())     # ptr

    def included(self, target: str) -> bool:
        """Return whether the record of another domain lets the address pass (5.2)."""
        result = self.host(target)
        if result.result == "none":
            raise _Permanent("include:{}: that name has no SPF record".format(target))
        return result.result == "pass"

    def at(self, name: str, prefix: int, counted: bool = True) -> bool:
        """Return whether the address is in the networks of that size around the addresses of a name."""
        kind = "A" if self.ip.version == 4 else "AAAA"
        found = self.look(name, kind) if counted else self._look(name, kind)
        return any(self.ip in ipaddress.ip_network("{}/{}".format(each, prefix), strict=False) for each in found)

    def validated(self) -> List[str]:
        """Return the reverse names of the address that have this address themselves (5.5)."""
        names = [value.rstrip(".") for value in self.look(reverse_name(str(self.ip)), "PTR")]
        return [name for name in names[:_LIMIT] if self.at(name, self.ip.max_prefixlen, counted=False)]

    def count(self) -> None:
        """Count a term that asks DNS."""
        self.terms += 1
        if self.terms > _LIMIT:
            raise _Permanent("more than {} terms need DNS (include, a, mx, ptr, exists, redirect)".format(_LIMIT))

    def look(self, name: str, kind: str) -> List[str]:
        """Ask DNS, and count a question that finds nothing. Returns the values."""
        found = self._look(name, kind)
        if not found:
            self.voids += 1
            if self.voids > _VOID_LIMIT:
                raise _Permanent("more than {} look-ups find nothing, the last: {} {}".format(_VOID_LIMIT, name, kind))
        return found

    def expand(self, text: str, domain: str) -> str:
        """Expand macros (7). Returns a name. Raises _Permanent."""
        def one(match: Any) -> str:
            letter, digits, turned, delimiters, literal = match.groups()
            if literal:
                return {"%": "%", "_": " ", "-": "%20"}[literal]
            if not letter:
                raise _Permanent("'{}': a % that does not begin a macro".format(text))
            parts = re.split("[{}]".format(re.escape(delimiters or ".")), self.macro(letter.lower(), domain))
            if turned:
                parts.reverse()
            if digits:
                if not int(digits):
                    raise _Permanent("'{}': a macro that keeps 0 parts".format(text))
                parts = parts[-int(digits):]
            value = ".".join(parts)
            return quote(value, safe="-._~") if letter.isupper() else value

        expanded = _MACRO.sub(one, text)
        while len(expanded) > 253 and "." in expanded:
            expanded = expanded.partition(".")[2]
        return expanded.rstrip(".")

    def macro(self, letter: str, domain: str) -> str:
        """Return the value of a macro letter (7.2)."""
        local, _, after = self.sender.rpartition("@")
        if letter == "i":
            if self.ip.version == 4:
                return str(self.ip)
            return ".".join(self.ip.exploded.replace(":", ""))
        if letter == "p":
            return (self.validated() or ["unknown"])[0]
        return {"s": self.sender, "l": local, "o": after, "d": domain, "h": self.helo,
                "v": "in-addr" if self.ip.version == 4 else "ip6"}.get(letter, "unknown")


def reverse_name(address: str) -> str:
    """Return the name at which an address's PTR records are."""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return ".".join(reversed(str(ip).split("."))) + ".in-addr.arpa"
    return ".".join(reversed(ip.exploded.replace(":", ""))) + ".ip6.arpa"


def _parse(record: str, domain: str) -> Tuple[List[Tuple[str, str, str, str]], Optional[str]]:
    """Parse a whole record (4.6). Returns the mechanisms (sign, name, ":" or "/", argument) and the redirect. Raises
    _Permanent."""
    mechanisms, modifiers = [], {}
    for term in record.split()[1:]:
        modifier = _MODIFIER.match(term)
        if modifier:
            name = modifier.group(1).lower()
            if name in modifiers and name in ("redirect", "exp"):
                raise _Permanent("{} has two {}=".format(domain, name))
            if name == "redirect" and not modifier.group(2):
                raise _Permanent("'{}' of {} needs a domain".format(term, domain))
            modifiers[name] = modifier.group(2)
            continue
        match = _TERM.match(term)
        if not match or not _valid(match.group(2).lower(), match.group(3) or "", match.group(4) or ""):
            raise _Permanent("'{}' of {} is not a term of SPF".format(term, domain))
        mechanisms.append((match.group(1) or "+", match.group(2).lower(), match.group(3) or "", match.group(4) or ""))
    redirect = None if any(name == "all" for _, name, _, _ in mechanisms) else modifiers.get("redirect")
    return mechanisms, redirect


def _valid(name: str, mark: str, argument: str) -> bool:
    if name == "all":
        return not mark
    if name in ("include", "exists"):
        return mark == ":" and bool(argument)
    if name in ("a", "mx"):
        target, _, prefixes = argument.partition("/") if mark == ":" else ("-", "", argument)
        return bool(target) if not prefixes else bool(target and re.match(
            r"((\d|[12]\d|3[012])(//{0})?|/{0})$".format(r"(\d\d?|1[01]\d|12[0-8])"), prefixes))
    if name in ("ip4", "ip6"):
        return mark == ":" and _is_network(argument, int(name[2]))
    return name == "ptr" and mark in ("", ":") and bool(argument) == bool(mark)


def _is_network(text: str, version: int) -> bool:
    try:
        return bool(ipaddress.ip_network(text, strict=False).version == version)
    except ValueError:
        return False


def _split(mark: str, argument: str, version: int) -> Tuple[str, int]:
    """Split the argument of an a or mx: "example.org/24//64", "/24". Returns the domain, and how many bits count: all
    when it does not say."""
    domain, _, prefixes = argument.partition("/") if mark == ":" else ("", "", argument)
    four, _, six = prefixes.partition("//") if not prefixes.startswith("/") else ("", "", prefixes[1:])
    return domain, int(four or 32) if version == 4 else int(six or 128)
