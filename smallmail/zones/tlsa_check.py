"""Are the TLSA records in DNS those of the certificate that is served, and of the next one? Pure."""
from typing import Iterator, List, Tuple

from smallmail.findings import Finding, Group
from smallmail.zones import meaning
from smallmail.zones.answers import Zone

_GROUP = Group("dns")
_Chain = List[Tuple[bytes, bytes]]      # see dnstexts.tlsa_trouble()


def findings(name: str, values: List[str], served: _Chain, coming: _Chain, zone: Zone, proposed: bool) \
        -> Iterator[Finding]:
    """What is wrong with the records at that name, and what is worth knowing. `coming`: the certificate that is not
    served before its record is there; `proposed`: whether we would have a record there."""
    trouble = meaning.tlsa_trouble(values, served)
    if trouble:
        yield _GROUP.problem("{}: {}".format(name, trouble), "Servers that check it (DANE) do not deliver to this one.",
                             _line(name, served))
    elif values and coming and not meaning.tlsa_fits(values, coming):
        yield _GROUP.problem("{}: the key of the new certificate is not there".format(name), "Before it is there for a"
                             " while the new certificate is not served: servers that check it (DANE) would not deliver"
                             " to this one.", _line(name, coming))
    for value in meaning.tlsa_usable(values) if served and not trouble else []:
        if not meaning.tlsa_fits([value], served) and not meaning.tlsa_fits([value], coming):
            yield _GROUP.note("{}: no certificate of this host has the key of TLSA {}: if it is not meant for a later"
                              " one, delete that record".format(name, value))
    if values and not (zone.ds and zone.signed):
        yield _GROUP.note("{}: there is a TLSA record, but {} is not signed (DNSSEC): nobody can use it".format(
            name, zone.name))
    elif not values and proposed:
        yield _GROUP.note("{} has no TLSA record: {} is signed, so one would let other mail servers know the right"
                          " certificate (DANE); 'smallmail dns show' has it".format(name, zone.name))


def _line(name: str, chain: _Chain) -> str:
    return "{}. IN TLSA {}".format(name, meaning.tlsa_value(chain))
