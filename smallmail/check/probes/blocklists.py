"""Block lists in DNS (RFC 5782): few, and well run ones. What is asked of them, and what their answers mean. Pure."""
import ipaddress
import re
from collections import Counter, OrderedDict
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from smallmail.findings import Finding, Group
from smallmail.zones.answers import Unanswered
from smallmail.zones.spf import reverse_name

_GROUP = Group("reputation")

List_ = NamedTuple("List_", [
    ("name", str),
    ("zone", str),
    ("kinds", str),         # "4" and "6" for addresses it has, "d" for domains
    ("always", str),        # what is always listed, to test it (RFC 5782, 5)
    ("never", str),         # what is never listed
    ("remedy", str),
])

ADDRESSES = [
    List_("Spamhaus ZEN", "zen.spamhaus.org", "46", "2.0.0.127", "1.0.0.127",
          "https://check.spamhaus.org/ says why, and takes it"
          " off"),
    List_("SpamCop", "bl.spamcop.net", "4", "2.0.0.127", "1.0.0.127",
          "https://www.spamcop.net/bl.shtml says why; it ends by itself"
          " a day after the last report"),
    List_("Barracuda", "b.barracudacentral.org", "4", "2.0.0.127", "1.0.0.127",
          "https://www.barracudacentral.org/rbl/removal-request"
          " takes it off"),
    List_("PSBL", "psbl.surriel.com", "4", "2.0.0.127", "1.0.0.127",
          "https://psbl.org/remove takes it off"),
    List_("UCEPROTECT 1", "dnsbl-1.uceprotect.net", "4", "2.0.0.127", "1.0.0.127",
          "https://www.uceprotect.net/en/rblcheck.php says"
          " why; it ends by itself after 7 days without spam. Do not pay"),
]

DOMAINS = [
    List_("Spamhaus DBL", "dbl.spamhaus.org", "d", "dbltest.com", "example.com",
          "https://check.spamhaus.org/ says why, and takes it off"),
]

# Spamhaus tells more by its answers; see its "DNSBL usage" pages.
_REFUSALS = OrderedDict([
    ("127.255.255.252", "does not know the name that it was asked by"),
    ("127.255.255.254", "does not answer public resolvers"),
    ("127.255.255.255", "was asked too often by this resolver"),
])

_SPAMHAUS = [
    (range(2, 3), "SBL: spam was seen from it"),
    (range(3, 4), "CSS: what comes from it looks like spam"),
    (range(4, 8), "XBL: a hijacked machine was seen behind it"),
    (range(9, 10), "DROP: its whole network is held to be criminal"),
    (range(10, 12), "PBL: no accusation. Its provider, or Spamhaus, says that from such addresses (home lines, mostly)"
                    " no mail is to come directly. If it is fixed, and yours, you can take it out there; else send by"
                    " a relayhost"),
]
_LISTED = "{} is on the block list {}"
Ask = Callable[[str, str], List[str]]   # name, kind -> values; raises Unanswered
Asked = Tuple[List_, str]               # a list, and an address or domain, or _ALWAYS or _NEVER
_ALWAYS, _NEVER = "always", "never"


def questions(own: List[str], domains: List[str]) -> Dict[Asked, str]:
    """The names to ask for, those that test a list among them."""
    found = OrderedDict()   # type: Dict[Asked, str]
    for each in (ADDRESSES if own else []) + (DOMAINS if domains else []):
        found[(each, _ALWAYS)], found[(each, _NEVER)] = each.always + "." + each.zone, each.never + "." + each.zone
        for address in own if each in ADDRESSES else []:
            if ("6" if ":" in address else "4") in each.kinds:
                found[(each, address)] = re.sub(r"\.(in-addr|ip6)\.arpa$", ".", reverse_name(address)) + each.zone
        for domain in domains if each in DOMAINS else []:
            found[(each, domain)] = domain + "." + each.zone
    return found


def asked(name: str, ask: Ask) -> Optional[List[str]]:
    """What the list says; None when it says nothing."""
    try:
        return ask(name, "A")
    except Unanswered:
        return None


def judged(answers: Dict[Asked, Optional[List[str]]], resolvers: str) -> Iterator[Finding]:
    """What the answers tell. `resolvers`: who was asked, in words."""
    refusing = OrderedDict()    # type: Dict[str, List[str]]
    for each in OrderedDict((each, True) for each, _ in answers):
        always, never = answers[(each, _ALWAYS)] or [], answers[(each, _NEVER)] or []
        refusal = next((_REFUSALS[value] for value in always if value in _REFUSALS), "")
        if refusal:
            refusing.setdefault(refusal, []).append(each.name)
        elif not _codes(always) or _codes(never):
            yield _GROUP.unknown("{}: no answer that can be relied on (what is always listed is not, or what never is)"
                                 .format(each.name), each.name)
        else:
            yield from _listed(each, answers)
    for refusal, names in refusing.items():
        yield _GROUP.problem(
            "{} {} ({})".format(" and ".join(names), refusal, resolvers),
            "Rspamd asks by the same resolver: it gets no answers either, and lets more spam through.",
            "apt install unbound\nsmallmail set resolver=local")


def _listed(each: List_, answers: Dict[Asked, Optional[List[str]]]) -> Iterator[Finding]:
    for (other, what), said in answers.items():
        if other == each and said is None:
            yield _GROUP.unknown("{} on {}: no answer".format(each.name, what), _LISTED.format(what, each.name))
        elif other == each and what not in (_ALWAYS, _NEVER) and _codes(said or []):
            yield _GROUP.problem(_LISTED.format(what, each.name), "{}. Many refuse mail from it."
                                 .format(_meaning(each, _codes(said or []))), each.remedy)


def _codes(said: List[str]) -> List[str]:
    """The answers that say: listed."""
    return [value for value in said if value.startswith("127.") and value not in _REFUSALS]


def _meaning(each: List_, codes: List[str]) -> str:
    words = []
    for code in sorted(codes):
        last = int(code.rpartition(".")[2])
        words += [text for numbers, text in _SPAMHAUS if each.zone == "zen.spamhaus.org" and last in numbers]
    return "; ".join(words) or "It answers {}".format(", ".join(codes))


def is_generic(name: str, address: str) -> bool:
    """Whether a reverse name is one that a provider made from the address, as for any customer."""
    ip, name = ipaddress.ip_address(address), name.lower()
    parts = ip.exploded.split("." if ip.version == 4 else ":")
    words = re.findall(r"\d+", name) if ip.version == 4 else re.split(r"[.-]", name)
    alike = Counter(part.lstrip("0") for part in parts) & Counter(word.lstrip("0") for word in words)
    return (sum(alike.values()) >= len(parts) - 1 or "".join(part.zfill(3) for part in parts) in name
            or bool(re.search(r"(^|[.-])(dyn|dynamic|dhcp|pool|dsl|adsl|cable|ppp|dialup)\d*([.-]|$)", name)))
