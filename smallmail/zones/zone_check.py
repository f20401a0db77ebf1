"""Judge a zone itself: its name servers, its delegation and its signatures. Pure: what the servers said is given."""
from typing import Iterator

from smallmail.findings import Finding, Group
from smallmail.zones.answers import Zone

_GROUP = Group("dns")


def servers(zone: Zone) -> Iterator[Finding]:
    """Judge the name servers of a zone. Yields what was found."""
    for server, trouble in zone.troubles.items():
        yield _GROUP.problem("name server {} of {} {}".format(server, zone.name, trouble),
                      "Servers that ask it wait, or do not find the domain.",
                      advice="At your DNS host: repair that name server, or remove its NS record.")
    if zone.own and zone.delegated and set(zone.own) != set(zone.delegated):
        yield _GROUP.problem("the zone above names other name servers for {} ({}) than the zone itself ({})".format(
            zone.name, ", ".join(zone.delegated), ", ".join(zone.own)),
            "Some lookups go to the wrong servers.",
            advice="At your registrar: set the same name servers as in the zone.")


def dnssec(zone: Zone) -> Iterator[Finding]:
    """Judge the signatures of a zone (DNSSEC). Yields what was found."""
    if not zone.own:
        return  # no server answered: nothing is known
    broken = "is not signed" if not zone.signed else zone.broken
    if zone.ds and broken:
        yield _GROUP.problem("{} {}, but the zone above says that it is signed (DS)".format(zone.name, broken),
                      "The domain does not exist for servers that validate DNSSEC.",
                      advice="At your registrar: remove the DS record. Or at your DNS host: sign the zone again, and"
                      " set the DS record that it names then.")
    elif zone.ds:
        yield _GROUP.note("{} is signed (DNSSEC)".format(zone.name))
    elif zone.signed:
        yield _GROUP.note("{} is signed, but cannot be verified: the zone above has no DS record".format(zone.name))
