"""Judge whether the TLSA records in DNS belong to the certificate in use, and to the next one. Pure."""
from typing import Iterator, List, Tuple

from smallmail.findings import Finding, Group
from smallmail.zones import meaning
from smallmail.zones.answers import Zone

_GROUP = Group("dns")
_Chain = List[Tuple[bytes, bytes]]      # see meaning.tlsa_trouble()


def judge(name: str, values: List[str], served: _Chain, coming: _Chain, zone: Zone, proposed: bool) \
        -> Iterator[Finding]:
    """Judge the records at that name. `coming`: the certificate that is not used before its record is there;
    `proposed`: whether smallmail proposes a record there. Yields what was found."""
    trouble = meaning.tlsa_trouble(values, served)
    if trouble:
        yield _GROUP.problem("{}: {}".format(name, trouble), "Servers that check it (DANE) do not deliver here.",
                             records=[_line(name, served)])
    elif values and coming and not meaning.tlsa_fits(values, coming):
        yield _GROUP.problem("{}: the key of the new certificate is missing".format(name), "The new certificate is not"
                             " used until the record has been in DNS for a while: servers that check it (DANE) would"
                             " not deliver to this host.", records=[_line(name, coming)])
    for value in meaning.tlsa_usable(values) if served and not trouble else []:
        if not meaning.tlsa_fits([value], served) and not meaning.tlsa_fits([value], coming):
            yield _GROUP.note("{}: no certificate of this host has the key of TLSA {}: delete that record, unless it is"
                              " meant for a later certificate".format(name, value))
    if values and not (zone.ds and zone.signed):
        yield _GROUP.note("{}: there is a TLSA record, but it has no effect: {} is not signed (DNSSEC)".format(
            name, zone.name))
    elif not values and proposed:
        yield _GROUP.note("{} has no TLSA record: {} is signed, so the record would let other mail servers verify the"
                          " certificate (DANE); 'smallmail dns show' has it".format(name, zone.name))


def _line(name: str, chain: _Chain) -> str:
    return "{}. IN TLSA {}".format(name, meaning.tlsa_value(chain))
