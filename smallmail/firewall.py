"""What the host's own firewall says, as 'nft list ruleset' prints it (nft(8); iptables and ufw write nftables, too).
Pure. Only what is plain is told: a firewall can be written in more ways than can be read here."""
import re
from typing import Iterable, Iterator, List, NamedTuple, Optional  # noqa: F401 (Optional: in a type comment)

# /etc/services has these names for our ports; nft(8) prints numbers, but some print names.
_NAMES = {25: "smtp", 465: "submissions", 587: "submission", 993: "imaps", 4190: "sieve", 80: "http"}

# An "accept" that one of these narrows says nothing of a stranger's connection.
_NARROW = re.compile(
    r"\b(dport|sport|saddr|lo|established|related|icmp|icmpv6|igmp|udp|protocol|l4proto|nexthdr|type)\b")

_NOISE = re.compile(r"\bcounter( packets \d+ bytes \d+)? ?|\bcomment \"[^\"]*\"| # handle \d+")

_Chain = NamedTuple("_Chain", [("head", str), ("rules", List[str])])


def closed(ruleset: str, ports: Iterable[int]) -> List[int]:
    """The TCP ports on which it plainly lets nobody in."""
    chains = list(_chains(ruleset))
    entries = [chain for chain in chains if "hook input" in chain.head and "filter" in chain.head]
    dropped = [port for port in ports if any(_drops(rule, port) for chain in entries for rule in chain.rules)]
    shut = [chain for chain in entries if "policy drop" in chain.head or chain.rules[-1:] in (["drop"], ["reject"])]
    if not shut or _unreadable(ruleset, chains):
        return dropped
    numbers = " ".join(re.findall(r"dport [^\n]*|elements = \{[^}]*\}", ruleset))
    return [port for port in ports if port in dropped or not _has(numbers, port)]


def _chains(ruleset: str) -> Iterator[_Chain]:
    chain = None    # type: Optional[_Chain]
    for line in (_NOISE.sub("", line).strip() for line in ruleset.splitlines()):
        if line.startswith("chain ") and line.endswith("{"):
            chain = _Chain("", [])
        elif chain and line == "}":
            yield chain
            chain = None
        elif chain and line.startswith("type ") and not chain.rules:
            chain = chain._replace(head=line)
        elif chain and line:
            chain.rules.append(line)


def _drops(rule: str, port: int) -> bool:
    """A rule that ends every connection to the port, wherever it comes from."""
    parts = re.match(r"tcp dport (.+?) (drop|reject\b.*)$", rule)
    return parts is not None and bool(re.match(r"(\{[^}]*\}|\S+)$", parts.group(1))) and _has(parts.group(1), port)


def _unreadable(ruleset: str, chains: List[_Chain]) -> bool:
    """Whether somebody may get in by a way that is not told by a port's number."""
    return " xt " in ruleset or any(re.search(r"\baccept$", rule) and not _NARROW.search(rule)
                                    for chain in chains for rule in chain.rules
                                    if "hook output" not in chain.head and "hook forward" not in chain.head)


def _has(text: str, port: int) -> bool:
    """Whether the number, a range around it or the service's name is in there."""
    ranges = re.findall(r"(\d+)-(\d+)", text)
    return (bool(re.search(r"\b({}|{})\b".format(port, _NAMES.get(port, port)), text))
            or any(int(low) <= port <= int(high) for low, high in ranges))
