"""Decide whether the host's name points to this host, as all authoritative servers of its zone tell."""
from typing import List, Set

from smallmail.machine import addresses
from smallmail.zones import asking
from smallmail.zones.answers import Unanswered

_ALIASES = 5            # CNAMEs that point to one another


def obstacle(hostname: str) -> str:
    """Look for what forbids to ask for a certificate for that name at this host. Returns it as one sentence; empty when
    nothing does, also where that cannot be known here (no way to the name servers, or a translated address)."""
    try:
        found = _everywhere(hostname)
    except Unanswered:
        return ""
    if not found:
        return "the name servers of {} do not have an address for it yet: 'smallmail dns show' has the records to set" \
            .format(hostname)
    own = addresses.public()
    for address in sorted(found):
        if not is_ours(address, own):
            return "{} is {} in DNS, which is not an address of this host ({}): set its A and AAAA records to those" \
                " of this host alone".format(hostname, address, ", ".join(own) or "it has no public one")
    return ""


def is_ours(address: str, own: List[str]) -> bool:
    """Return whether that address of the host's name belongs to this host, as far as that can be known. `own`: the
    host's public addresses."""
    # Without a public IPv4 address we are behind NAT, and only the router knows ours; IPv6 is not translated.
    translated = ":" not in address and not any(":" not in each for each in own)
    return translated or addresses.is_here(address)


def _everywhere(hostname: str, aliases: int = 0) -> Set[str]:
    """Ask all authoritative servers for the addresses of a name. Returns them; none while a server that answers has
    none. Raises Unanswered."""
    authority = asking.authority([hostname])
    answers = [authority.ask(hostname, kind) for kind in ("A", "AAAA")]
    found = set()  # type: Set[str]
    for server in set(answers[0].said).intersection(answers[1].said):
        # Where there is a CNAME instead, its name was said; names end with a dot.
        told = {value for answer in answers for value in answer.said[server]}
        if not told:
            return set()
        found.update(value for value in told if not value.endswith("."))
    alias = answers[0].alias
    return _everywhere(alias, aliases + 1) if alias and not found and aliases < _ALIASES else found
