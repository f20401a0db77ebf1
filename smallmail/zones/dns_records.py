"""The DNS records that a host's mail needs. Pure: names and keys in, records out."""
from collections import OrderedDict
from typing import Dict, Iterator, List, NamedTuple

Record = NamedTuple("Record", [("name", str), ("type", str), ("value", str), ("why", str)])
_TTL = 3600

# RFC 1035, 3.3: a character-string holds 255 octets; a longer TXT value is several of them, joined by the reader.
_STRING = 255

# RFC 6186: mail programs look for these too; port 0 and "." say that they are not offered.
_NOT_OFFERED = ("_imap", "_pop3", "_pop3s")

# The fields that web forms of DNS hosts have for a value of several words, the last of which is "value".
_FIELDS = {"MX": ["priority"], "SRV": ["priority", "weight", "port"], "CAA": ["flags", "tag"]}

NOT_HERE = ("MTA-STS (RFC 8461) and the autoconfig files of mail programs need a web server, which smallmail is not:"
            " they are left out.")


def records(hostname: str, domains: List[str], addresses: List[str], dkim: Dict[str, List[Record]],
            relayhost: str = "") -> Iterator[Record]:
    """All records for the host and its mail domains. `addresses`: the host's public ones; `dkim`: the records of keys
    by domain, also of domains that were removed lately.

    With a relayhost mail leaves from addresses that we cannot know: SPF then ends softly (RFC 7208, 8.5).
    """
    rest = "~all" if relayhost else "-all"
    if not addresses:
        yield Record(hostname, "A", "", "fill in the host's public address, and AAAA for IPv6; its provider must set"
                     " the reverse (PTR) of it to " + hostname)
    for address in addresses:
        yield Record(hostname, "AAAA" if ":" in address else "A", address,
                     "where the host is; its provider must set the reverse (PTR) of {} to {}".format(address, hostname))
    # RFC 7208, 2.3: the host's own name speaks in bounces and in HELO.
    yield Record(hostname, "TXT", "v=spf1 a " + rest, "who may send in the host's own name")
    for domain in domains:
        yield Record(domain, "MX", "10 {}.".format(hostname), "which host takes mail for " + domain)
        if domain != hostname:
            yield Record(domain, "TXT", "v=spf1 mx " + rest, "who may send mail from " + domain)
        yield from dkim.get(domain, [])
        # A policy of quarantine is what DKIM and SPF above carry from the first day (RFC 7489, 6.3).
        yield Record("_dmarc." + domain, "TXT", "v=DMARC1; p=quarantine; rua=mailto:postmaster@{}".format(domain),
                     "what others do with mail that only pretends to be from {}: p=none only watches; p=reject is for"
                     " when the reports have named no sender of yours for some weeks".format(domain))
    for domain, keys in dkim.items():
        if domain not in domains:
            yield from keys


def helpful(hostname: str, domains: List[str], certificate: str, services: Dict[str, int]) -> Iterator[Record]:
    """Records without which mail flows, but that make it safer or a mail program's set-up easier. `services`: the ports
    that mail programs use, by the label under which they look for each."""
    # Below a domain's own name may be a web site, whose certificates another issuer makes.
    if certificate == "letsencrypt" and hostname not in domains:
        yield Record(hostname, "CAA", '0 issue "letsencrypt.org"',
                     "only Let's Encrypt may make certificates for this name and those below it")
    for domain in domains:
        yield Record("_smtp._tls." + domain, "TXT", "v=TLSRPTv1; rua=mailto:postmaster@" + domain,
                     "where others report when they could not send to {} encrypted".format(domain))
        for label, port in services.items():
            yield Record("{}._tcp.{}".format(label, domain), "SRV", "0 1 {} {}.".format(port, hostname),
                         "lets mail programs find port {}".format(port))
        for label in _NOT_OFFERED:
            yield Record("{}._tcp.{}".format(label, domain), "SRV", "0 0 0 .",
                         "says that this is not offered, so that no program tries it")


def zone_text(all_records: List[Record]) -> str:
    """The records as a piece of a zone file (RFC 1035, 5.1), each with its reason."""
    lines = []
    for record in all_records:
        lines.append("; " + record.why)
        line = zone_line(record)
        lines.append(line if record.value else "; " + line)
    return "\n".join(lines) + "\n"


def zone_line(record: Record) -> str:
    """The record as a line of a zone file."""
    return "{}. {} IN {} {}".format(record.name, _TTL, record.type, zone_value(record))


def plain(record: Record, zones: List[str]) -> "OrderedDict[str, str]":
    """The record as web forms of DNS hosts want it: a name relative to the zone, a value without quotes, and a field
    each for the numbers before it. The name is in full where no zone is known."""
    fields = OrderedDict()  # type: OrderedDict[str, str]
    zone = max([zone for zone in zones if ("." + record.name).endswith("." + zone)] or [""], key=len)
    fields["zone"] = zone
    fields["name"] = "@" if record.name == zone else record.name[:-len("." + zone)] if zone else record.name
    fields["type"] = record.type
    numbers = _FIELDS.get(record.type, [])
    words = record.value.split(None, len(numbers)) if numbers else [record.value]
    fields.update(zip(numbers, words))
    fields["value"] = words[-1].strip('"')
    if record.type in ("MX", "SRV"):
        fields["value"] = fields["value"][:-1] or "."
    return fields


def plain_text(all_records: List[Record], zones: List[str]) -> str:
    """All records field by field, for typing them into a web form."""
    lines = []
    for record in all_records:
        fields = plain(record, zones)
        zone = fields.pop("zone")
        lines += ["# " + record.why, "# " + ("in the zone " + zone if zone else "the name is in full")]
        lines += ["{:<9} {}".format(name + ":", value) for name, value in fields.items()] + [""]
    return "\n".join(lines)


def zone_value(record: Record) -> str:
    """The value as a zone file has it."""
    if record.type != "TXT":
        return record.value
    parts = [record.value[start:start + _STRING] for start in range(0, len(record.value), _STRING)]
    return " ".join('"{}"'.format(part) for part in parts)
