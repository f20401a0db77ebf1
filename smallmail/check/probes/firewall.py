"""Read the host's own firewall, as 'nft list ruleset' prints it (nft(8); iptables and ufw write nftables, too). Pure.
Only plain cases are told: a firewall can be written in more ways than this module understands."""
import re
from typing import Iterable, Iterator, List, NamedTuple, Optional  # noqa: F401 (in a type comment)

from smallmail.bans import packets
from smallmail.daemons import listening

# A rule may have a port's name instead of its number (/etc/services).
_NAMES = {port.number: port.names[0] for port in listening.PUBLIC}
_NAMES[listening.HTTP] = listening.HTTP_NAME

# A rule with one of these words does not tell what becomes of every new connection from outside to our ports.
_NARROW = re.compile(
    r"\b(dport|sport|saddr|lo|established|related|invalid|icmp|icmpv6|igmp|udp|l4proto|nexthdr|fib)\b")
_NOISE = re.compile(r"\bcounter( packets \d+ bytes \d+)? ?|\bcomment \"[^\"]*\"| # handle \d+")
# What shuts out who guesses passwords says nothing of others.
_BANS = re.compile(r"^table {} \{{\n.*?^\}}\n?".format(packets.TABLE), re.MULTILINE | re.DOTALL)
_Chain = NamedTuple("_Chain", [("table", str), ("name", str), ("head", str), ("rules", List[str])])


def closed(ruleset: str, ports: Iterable[int]) -> List[int]:
    """Select the TCP ports on which the firewall plainly lets no one in. Returns them."""
    ruleset = _BANS.sub("", _NOISE.sub("", ruleset))
    chains = list(_chains(ruleset))
    entries = [chain for chain in chains if "filter hook input" in chain.head]
    rules = [rule for chain in entries for rule in _passed(chain, chains)]
    shut = [chain for chain in entries if "policy drop" in chain.head or chain.rules[-1:] in (["drop"], ["reject"])]
    numbers = " ".join(re.findall(r"dport [^\n]*|elements = \{[^}]*\}", ruleset))
    # Some may get in by rules that do not name a port.
    unread = " xt " in ruleset or any(rule.endswith("accept") and not _NARROW.search(rule) for rule in rules)
    return [port for port in ports if any(_drops(rule, port) for rule in rules)
            or (shut and not unread and not _has(numbers, port))]


def _chains(ruleset: str) -> Iterator[_Chain]:
    table, chain = "", None     # type: str, Optional[_Chain]
    for line in (line.strip() for line in ruleset.splitlines()):
        if line.startswith("table "):
            table = line
        elif line.startswith("chain ") and line.endswith("{"):
            chain = _Chain(table, line.split()[1], "", [])
        elif chain and line == "}":
            yield chain
            chain = None
        elif chain and line.startswith("type ") and not chain.rules:
            chain = chain._replace(head=line)
        elif chain and line:
            chain.rules.append(line)


def _passed(entry: _Chain, chains: List[_Chain]) -> List[str]:
    """Collect the rules that every new connection from outside meets, also in the chains that it is sent to."""
    by_name = {chain.name: chain for chain in chains if chain.table == entry.table}
    found, ahead, seen = [], [entry.name], set()
    while ahead:
        name = ahead.pop()
        for rule in by_name[name].rules if name in by_name and name not in seen else []:
            found.append(rule)
            if not _NARROW.search(rule):
                ahead += re.findall(r"\b(?:jump|goto) ([^\s,}]+)", rule)
        seen.add(name)
    return found


def _drops(rule: str, port: int) -> bool:
    """Return whether the rule ends every connection to the port, from wherever it comes."""
    parts = re.match(r"tcp dport (\{[^}]*\}|\S+) (drop|reject\b.*)$", rule)
    return parts is not None and _has(parts.group(1), port)


def _has(text: str, port: int) -> bool:
    """Return whether the text has the number, a range around it or the service's name."""
    ranges = re.findall(r"(\d+)-(\d+)", text)
    return (bool(re.search(r"\b({}|{})\b".format(port, _NAMES.get(port, port)), text))
            or any(int(low) <= port <= int(high) for low, high in ranges))
