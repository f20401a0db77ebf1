"""Does the host's name lead here? As all authoritative servers of its zone tell, and no cache."""
from typing import List, Set

from smallmail.machine import addresses
from smallmail.zones.answers import Unanswered

_ALIASES = 5            # CNAMEs that point to one another


def obstacle(hostname: str) -> str:
    """Why a certificate for that name cannot be asked for at this host yet, in one sentence; empty when it can, also
    where nobody can tell from here (no way to the name servers, or an address that is translated on the way)."""
    try:
        found = _everywhere(hostname)
    except Unanswered:
        return ""
    if not found:
        return "the servers of the zone of {} know no address of it yet: 'smallmail dns show' has the records to set" \
            .format(hostname)
    own = addresses.public()
    for address in sorted(found):
        if not leads_here(address, own):
            return "{} is {} in DNS, which is not an address of this host ({}): set its A and AAAA records to those" \
                " of this host alone".format(hostname, address, ", ".join(own) or "it has no public one")
    return ""


def leads_here(address: str, own: List[str]) -> bool:
    """Whether that address of the host's name is ours, as far as it can be known. `own`: our public ones."""
    # Without a public IPv4 address we are behind NAT, and whoever translates knows ours; IPv6 is not translated.
    translated = ":" not in address and not any(":" not in each for each in own)
    return translated or addresses.is_here(address)


def _everywhere(hostname: str, aliases: int = 0) -> Set[str]:
    """The addresses of a name, as all authoritative servers tell them that answer; nothing while one of them has
    none. Raises Unanswered."""
    # Every verb would wait for dnspython: loading it takes a tenth of a second.
    from smallmail.zones.authority import Authority  # noqa: PLC0415

    authority = Authority([hostname])
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
