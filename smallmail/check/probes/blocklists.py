"""Make the questions to a few well-run block lists in DNS (RFC 5782), and judge their answers. Pure."""
import ipaddress
import re
from collections import Counter, OrderedDict
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from smallmail.check import units
from smallmail.findings import Finding, Group
from smallmail.zones.answers import Unanswered
from smallmail.zones.spf import reverse_name

_GROUP = Group("reputation")

BlockList = NamedTuple("BlockList", [
    ("name", str),
    ("zone", str),
    ("kinds", str),         # "4" and "6" for addresses it has, "d" for domains
    ("always", str),        # the entry that is always there, to test the list (RFC 5782, 5)
    ("never", str),         # what is never listed
    ("remedy", str),        # how an entry is removed
])

ADDRESSES = [
    BlockList("Spamhaus ZEN", "zen.spamhaus.org", "46", "2.0.0.127", "1.0.0.127",
              "https://check.spamhaus.org/ tells why, and removes the entry."),
    BlockList("SpamCop", "bl.spamcop.net", "4", "2.0.0.127", "1.0.0.127",
              "https://www.spamcop.net/bl.shtml tells why. The entry expires a day after the last report."),
    BlockList("Barracuda", "b.barracudacentral.org", "4", "2.0.0.127", "1.0.0.127",
              "https://www.barracudacentral.org/rbl/removal-request removes the entry."),
    BlockList("PSBL", "psbl.surriel.com", "4", "2.0.0.127", "1.0.0.127",
              "https://psbl.org/remove removes the entry."),
    BlockList("UCEPROTECT 1", "dnsbl-1.uceprotect.net", "4", "2.0.0.127", "1.0.0.127",
              "https://www.uceprotect.net/en/rblcheck.php tells why. The entry expires after 7 days without spam; do"
              " not pay for its removal."),
]

DOMAINS = [
    BlockList("Spamhaus DBL", "dbl.spamhaus.org", "d", "dbltest.com", "example.com",
              "https://check.spamhaus.org/ tells why, and removes the entry."),
]

# Spamhaus tells more by its answers; see its "DNSBL usage" pages. Of one list, and of several.
_REFUSALS = OrderedDict([
    ("127.255.255.252", ("rejects the question: the name is wrong", "reject the question: the name is wrong")),
    ("127.255.255.254", ("does not answer public resolvers", "do not answer public resolvers")),
    ("127.255.255.255", ("gets too many questions from this resolver", "get too many questions from this resolver")),
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
Asked = Tuple[BlockList, str]               # a list, and an address or domain, or _ALWAYS or _NEVER
_ALWAYS, _NEVER = "always", "never"


def questions(own: List[str], domains: List[str]) -> Dict[Asked, str]:
    """Make the names to ask for, with those that test a list. Returns them by list and by what is asked about."""
    names = OrderedDict()   # type: Dict[Asked, str]
    for block_list in (ADDRESSES if own else []) + (DOMAINS if domains else []):
        suffix = "." + block_list.zone
        names[block_list, _ALWAYS], names[block_list, _NEVER] = block_list.always + suffix, block_list.never + suffix
        for address in own if block_list in ADDRESSES else []:
            if ("6" if ":" in address else "4") in block_list.kinds:
                names[block_list, address] = re.sub(r"\.(in-addr|ip6)\.arpa$", "", reverse_name(address)) + suffix
        for domain in domains if block_list in DOMAINS else []:
            names[block_list, domain] = domain + suffix
    return names


def asked(name: str, ask: Ask) -> Optional[List[str]]:
    """Ask a list. Returns its answer; None when it does not answer."""
    try:
        return ask(name, "A")
    except Unanswered:
        return None


def judge(answers: Dict[Asked, Optional[List[str]]], resolvers: str) -> Iterator[Finding]:
    """Judge the answers. `resolvers`: through which servers they came, in words. Yields what was found."""
    refusing, unreliable = OrderedDict(), []    # type: Dict[str, List[str]], List[str]
    for block_list in OrderedDict((block_list, True) for block_list, _ in answers):
        always, never = answers[block_list, _ALWAYS] or [], answers[block_list, _NEVER] or []
        refusal = next((code for code in always if code in _REFUSALS), "")
        if refusal:
            refusing.setdefault(refusal, []).append(block_list.name)
        elif not _codes(always) or _codes(never):
            unreliable.append(block_list.name)
        else:
            yield from _listed(block_list, answers)
    if unreliable:
        yield _GROUP.unknown(units.listed(unreliable), "the answers through this host's DNS server are not reliable:"
                             " the test entry is wrong; a resolver on this host may help", unreliable, [
                                 "smallmail set resolver=local"])
    for refusal, names in refusing.items():
        one, several = _REFUSALS[refusal]
        yield _GROUP.problem(
            "{} {} ({})".format(units.listed(names), one if len(names) == 1 else several, resolvers),
            "Rspamd asks the same resolver: it does not get answers either, and lets more spam through.",
            ["apt install unbound", "smallmail set resolver=local"], about=names)


def _listed(block_list: BlockList, answers: Dict[Asked, Optional[List[str]]]) -> Iterator[Finding]:
    for (other, subject), answer in answers.items():
        entry = "{} on {}".format(block_list.name, subject)
        if other == block_list and answer is None:
            yield _GROUP.unknown(entry, "it does not answer", [entry])
        elif other == block_list and subject not in (_ALWAYS, _NEVER) and _codes(answer or []):
            yield _GROUP.problem("{} is on the block list {}".format(subject, block_list.name),
                                 "{}. Many servers refuse mail from it.".format(
                                     _meaning(block_list, _codes(answer or []))),
                                 advice=block_list.remedy, about=[block_list.name, entry])


def _codes(answer: List[str]) -> List[str]:
    """Select the values that mean: listed."""
    return [value for value in answer if value.startswith("127.") and value not in _REFUSALS]


def _meaning(block_list: BlockList, codes: List[str]) -> str:
    words = []
    for code in sorted(codes):
        last = int(code.rpartition(".")[2])
        words += [text for numbers, text in _SPAMHAUS if block_list.zone == "zen.spamhaus.org" and last in numbers]
    return "; ".join(words) or "It answers {}".format(", ".join(codes))


def is_generic(name: str, address: str) -> bool:
    """Return whether a reverse name is one that a provider made from the address, as for any customer."""
    ip, name = ipaddress.ip_address(address), name.lower()
    parts = ip.exploded.split("." if ip.version == 4 else ":")
    words = re.findall(r"\d+", name) if ip.version == 4 else re.split(r"[.-]", name)
    alike = Counter(part.lstrip("0") for part in parts) & Counter(word.lstrip("0") for word in words)
    return (sum(alike.values()) >= len(parts) - 1 or "".join(part.zfill(3) for part in parts) in name
            or bool(re.search(r"(^|[.-])(dyn|dynamic|dhcp|pool|dsl|adsl|cable|ppp|dialup)\d*([.-]|$)", name)))
