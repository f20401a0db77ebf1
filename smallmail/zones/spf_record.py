"""Parse SPF records by the grammar of RFC 7208, 12. Receivers reject a whole record for one bad term, and so does this
module. Pure."""
import ipaddress
import re
from typing import Any, List, NamedTuple, Set  # noqa: F401 (in a type comment)

Term = NamedTuple("Term", [
    ("text", str),      # as it is shown: without a "+"
    ("result", str),    # the result if the term matches; "" for redirect
    ("name", str),      # "a", "include", ..., "redirect"
    ("target", str),    # the domain-spec, with its macros; "" if the domain itself is meant
    ("bits", Any),      # of a and mx, by the version of IP: how many bits of an address count
    ("network", Any),   # of ip4 and ip6
])

# 7.1: the letters c, r and t belong to explanations alone, and a macro cannot keep 0 parts.
MACRO = re.compile(r"%(?:\{([slodiphv])(0*[1-9][0-9]{0,8})?(r?)([-.+,/_=]*)\}|([%_-]))", re.IGNORECASE)
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"([a-z][-a-z0-9_.]*)=(.*)\Z", re.IGNORECASE | re.DOTALL)
_MECHANISM = re.compile(r"([-+~?]?)([a-z][a-z0-9]*)([:/].*)?\Z", re.IGNORECASE | re.DOTALL)
_LENGTH = "(0|[1-9][0-9]{0,2})"
_HOSTS = re.compile(r"(:.*?)?(?:/{0})?(?://{0})?\Z".format(_LENGTH), re.DOTALL)
_NETWORK = re.compile(r":([0-9a-f:.]+)(?:/{})?\Z".format(_LENGTH), re.IGNORECASE)
_ZERO = re.compile(r"[:.]0[0-9]+(?:\.|\Z)")
_TOP_LABEL = re.compile(r"(?![0-9]+\Z)(?!-)[a-z0-9-]+(?<!-)\Z", re.IGNORECASE)
_LITERALS = re.compile(r"[\x21-\x24\x26-\x7e]*\Z")
_SHOWN = 80     # characters of a term


class Invalid(Exception):
    """A record that receivers reject; why, in words."""


def parse(record: str, domain: str) -> List[Term]:
    """Parse a whole record of a domain (4.6). Returns its mechanisms, and at the end the redirect if it counts. Raises
    Invalid."""
    mechanisms, redirects, seen = [], [], set()     # type: List[Term], List[Term], Set[str]
    for text in filter(None, record.split(" ")[1:]):
        where = "'{}' of {}".format(shown(text), domain)
        modifier = _MODIFIER.match(text)
        if not modifier:
            mechanisms.append(_mechanism(text, where))
            continue
        name = modifier.group(1).lower()
        if name in seen and name in ("redirect", "exp"):
            raise Invalid("{} has two {}=".format(domain, name))
        seen.add(name)
        _check_modifier(name, modifier.group(2), where)
        if name == "redirect":
            redirects = [Term(text, "", name, modifier.group(2), None, None)]
    return mechanisms if any(each.name == "all" for each in mechanisms) else mechanisms + redirects


def shown(text: str) -> str:
    """Return a text with an escape sequence for all that people do not see, such as a no-break space; cut off if it is
    very long."""
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return "".join(each if " " <= each < "\x7f" else each.encode("unicode_escape").decode("ascii") for each in cut)


def _check_modifier(name: str, value: str, where: str) -> None:
    if name in ("redirect", "exp"):
        _check_domain(value, where)
    elif not _is_macro_string(value):
        raise _unknown(where)


def _mechanism(text: str, where: str) -> Term:
    match = _MECHANISM.match(text)
    if not match:
        raise _unknown(where)
    sign, name, rest = match.group(1), match.group(2).lower(), match.group(3) or ""
    target, bits, network = "", None, None
    if name in ("a", "mx"):
        target, bits = _hosts(rest, where)
    elif name in ("ip4", "ip6"):
        network = _network(int(name[2]), rest, where)
    elif name in ("include", "exists") or (name == "ptr" and rest):
        target = _domain(rest, where)
    elif name not in ("all", "ptr") or rest:
        raise _unknown(where)
    return Term(shown(text[1:] if sign == "+" else text), _RESULTS[sign or "+"], name, target, bits, network)


def _hosts(rest: str, where: str) -> Any:
    match = _HOSTS.match(rest)
    if not match:
        raise _unknown(where)
    target, four, six = match.groups()
    if int(four or 0) > 32 or int(six or 0) > 128:
        raise Invalid("{} has a prefix that is too long".format(where))
    return _domain(target, where) if target else "", {4: int(four or 32), 6: int(six or 128)}


def _network(version: int, rest: str, where: str) -> Any:
    match = _NETWORK.match(rest)
    try:
        # Python before 3.9.5 accepts leading zeros.
        network = ipaddress.ip_network(rest[1:], strict=False) if match and not _ZERO.search(rest) else None
    except ValueError:
        network = None
    if network is None or network.version != version:
        raise Invalid("{} does not have an IPv{} address".format(where, version))
    return network


def _domain(rest: str, where: str) -> str:
    """Return the domain-spec after the colon."""
    if not rest.startswith(":"):
        raise Invalid("{} does not have a domain".format(where))
    _check_domain(rest[1:], where)
    return rest[1:]


def _check_domain(text: str, where: str) -> None:
    if not text:
        raise Invalid("{} does not have a domain".format(where))
    if re.match(r"[0-9]+(\.[0-9]+){3}\Z", text):
        raise Invalid("{} has an address in the place of a name: use ip4:{}".format(where, text))
    ends_in_macro = any(match.end() == len(text) for match in MACRO.finditer(text))
    _, dot, last = (text[:-1] if text.endswith(".") else text).rpartition(".")
    if not _is_macro_string(text) or not (ends_in_macro or (dot and _TOP_LABEL.match(last))):
        raise Invalid("{} does not have a full and valid name".format(where))


def _is_macro_string(text: str) -> bool:
    return bool(_LITERALS.match(MACRO.sub("", text)))


def _unknown(where: str) -> Invalid:
    return Invalid("{} is not a term of SPF".format(where))
