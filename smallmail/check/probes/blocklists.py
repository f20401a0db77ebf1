"""Make the questions to a few well-run block lists in DNS (RFC 5782), and judge their answers. Pure."""
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
    ("always", str),        # the entry that is always there, to test the list (RFC 5782, 5)
    ("never", str),         # what is never listed
    ("remedy", str),        # how an entry is removed
])

ADDRESSES = [
    List_("Spamhaus ZEN", "zen.spamhaus.org", "46", "2.0.0.127", "1.0.0.127",
          "https://check.spamhaus.org/ tells why, and removes the entry."),
    List_("SpamCop", "bl.spamcop.net", "4", "2.0.0.127", "1.0.0.127",
          "https://www.spamcop.net/bl.shtml tells why. The entry expires a day after the last report."),
    List_("Barracuda", "b.barracudacentral.org", "4", "2.0.0.127", "1.0.0.127",
          "https://www.barracudacentral.org/rbl/removal-request removes the entry."),
    List_("PSBL", "psbl.surriel.com", "4", "2.0.0.127", "1.0.0.127",
          "https://psbl.org/remove removes the entry."),
    List_("UCEPROTECT 1", "dnsbl-1.uceprotect.net", "4", "2.0.0.127", "1.0.0.127",
          "https://www.uceprotect.net/en/rblcheck.php tells why. The entry expires after 7 days without spam: do not"
          " pay for its removal."),
]

DOMAINS = [
    List_("Spamhaus DBL", "dbl.spamhaus.org", "d", "dbltest.com", "example.com",
          "https://check.spamhaus.org/ tells why, and removes the entry."),
]

# Spamhaus tells more by its answers; see its "DNSBL usage" pages.
_REFUSALS = OrderedDict([
    ("127.255.255.252", "rejects the question: the name is wrong"),
    ("127.255.255.254", "does not answer public resolvers"),
    ("127.255.255.255", "gets too many questions from this resolver"),
])

_SPAMHAUS = [
    (range(2, 3), "SBL: spam from it was seen"),
    (range(3, 4), "CSS: mail from it looks like spam"),
    (range(4, 8), "XBL: a hijacked machine behind it was seen"),
    (range(9, 10), "DROP: its whole network is considered criminal"),
    (range(10, 12), "PBL: this is not an accusation. Its provider, or Spamhaus, says that such addresses (home"
                    " connections, mostly) should not send mail directly. If the address is fixed, and yours, you can"
                    " remove it there; otherwise send through a relayhost"),
]
Ask = Callable[[str, str], List[str]]   # name, kind -> values; raises Unanswered
Asked = Tuple[List_, str]               # a list, and an address or domain, or _ALWAYS or _NEVER
_ALWAYS, _NEVER = "always", "never"


def questions(own: List[str], domains: List[str]) -> Dict[Asked, str]:
    """Make the names to ask for, with those that test a list. Returns them by list and by what is asked about."""
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
    """Ask a list. Returns what it says; None when it does not answer."""
    try:
        return ask(name, "A")
    except Unanswered:
        return None


def judge(answers: Dict[Asked, Optional[List[str]]], resolvers: str) -> Iterator[Finding]:
    """Judge the answers. `resolvers`: through which servers they came, in words. Yields what was found."""
    refusing = OrderedDict()    # type: Dict[str, List[str]]
    for each in OrderedDict((each, True) for each, _ in answers):
        always, never = answers[(each, _ALWAYS)] or [], answers[(each, _NEVER)] or []
        refusal = next((_REFUSALS[value] for value in always if value in _REFUSALS), "")
        if refusal:
            refusing.setdefault(refusal, []).append(each.name)
        elif not _codes(always) or _codes(never):
            yield _GROUP.unknown(each.name, "its answers through this host's DNS server are not reliable: its test"
                                 " entry is wrong; a resolver on this host may help", [each.name],
                                 ["smallmail set resolver=local"])
        else:
            yield from _listed(each, answers)
    for refusal, names in refusing.items():
        yield _GROUP.problem(
            "{} {} ({})".format(" and ".join(names), refusal, resolvers),
            "Rspamd asks the same resolver: it does not get answers either, and lets more spam through.",
            ["apt install unbound", "smallmail set resolver=local"], about=names)


def _listed(each: List_, answers: Dict[Asked, Optional[List[str]]]) -> Iterator[Finding]:
    for (other, what), said in answers.items():
        if other == each and said is None:
            yield _GROUP.unknown("{} on {}".format(each.name, what), "it does not answer", [_entry(each, what)])
        elif other == each and what not in (_ALWAYS, _NEVER) and _codes(said or []):
            yield _GROUP.problem("{} is on the block list {}".format(what, each.name), "{}. Many servers refuse mail"
                                 " from it.".format(_meaning(each, _codes(said or []))), advice=each.remedy,
                                 about=[each.name, _entry(each, what)])


def _entry(each: List_, what: str) -> str:
    return "{} on {}".format(each.name, what)


def _codes(said: List[str]) -> List[str]:
    """Select the answers that mean: listed."""
    return [value for value in said if value.startswith("127.") and value not in _REFUSALS]


def _meaning(each: List_, codes: List[str]) -> str:
    words = []
    for code in sorted(codes):
        last = int(code.rpartition(".")[2])
        words += [text for numbers, text in _SPAMHAUS if each.zone == "zen.spamhaus.org" and last in numbers]
    return "; ".join(words) or "It answers {}".format(", ".join(codes))


def is_generic(name: str, address: str) -> bool:
    """Return whether a reverse name is one that a provider made from the address, as for any customer."""
    ip, name = ipaddress.ip_address(address), name.lower()
    parts = ip.exploded.split("." if ip.version == 4 else ":")
    words = re.findall(r"\d+", name) if ip.version == 4 else re.split(r"[.-]", name)
    alike = Counter(part.lstrip("0") for part in parts) & Counter(word.lstrip("0") for word in words)
    return (sum(alike.values()) >= len(parts) - 1 or "".join(part.zfill(3) for part in parts) in name
            or bool(re.search(r"(^|[.-])(dyn|dynamic|dhcp|pool|dsl|adsl|cable|ppp|dialup)\d*([.-]|$)", name)))
