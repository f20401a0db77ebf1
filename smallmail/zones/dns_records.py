"""Make the DNS records that a host's mail needs, and write them as text. Pure: names and keys in, records out."""
from collections import OrderedDict
from typing import Dict, Iterable, Iterator, List, NamedTuple

Record = NamedTuple("Record", [("name", str), ("type", str), ("value", str), ("why", str)])
_TTL = 3600

# RFC 1035, 3.3: a character-string holds 255 octets; a longer TXT value is several of them, joined by the reader.
_STRING = 255

# RFC 6186: mail programs look for these too; port 0 and "." say that they are not offered.
_NOT_OFFERED = (("_imap", "unencrypted IMAP"), ("_pop3", "unencrypted POP3"), ("_pop3s", "POP3"))

# The fields that web forms of DNS hosts have for a value of several words, the last of which is "value".
_FIELDS = {"MX": ["priority"], "SRV": ["priority", "weight", "port"], "CAA": ["flags", "tag"]}

NOT_HERE = ("Not included: MTA-STS (RFC 8461) and automatic set-up of mail programs. Both need a web server, and"
            " smallmail does not run one.")


def records(hostname: str, domains: List[str], addresses: List[str], relayhost: str = "") -> Iterator[Record]:
    """Yield the addresses, the MX and the SPF records of the host and its mail domains. `addresses`: the host's public
    ones.

    With a relayhost mail leaves from addresses that we cannot know: SPF then ends softly (RFC 7208, 8.5).
    """
    rest = "~all" if relayhost else "-all"
    if not addresses:
        yield Record(hostname, "A", "", "fill in the host's public address, and AAAA for IPv6; its provider must set"
                     " the reverse name (PTR) of the address to " + hostname)
    for address in addresses:
        yield Record(hostname, "AAAA" if ":" in address else "A", address,
                     "the host's address; its provider must set the reverse name (PTR) of {} to {}".format(
                         address, hostname))
    # RFC 7208, 2.3: the host's own name is in bounces and in HELO.
    yield Record(hostname, "TXT", "v=spf1 a " + rest, "which hosts may send mail from the host's own name")
    for domain in domains:
        yield Record(domain, "MX", "10 {}.".format(hostname), "which host accepts mail for " + domain)
        if domain != hostname:
            yield Record(domain, "TXT", "v=spf1 mx " + rest, "which hosts may send mail from " + domain)


def policies(domains: List[str]) -> Iterator[Record]:
    """Yield the DMARC record of each domain."""
    for domain in domains:
        # Its DKIM and SPF records justify a policy of quarantine from the first day (RFC 7489, 6.3).
        yield Record("_dmarc." + domain, "TXT", "v=DMARC1; p=quarantine; rua=mailto:postmaster@{}".format(domain),
                     "what others should do with mail forged in the name of {}: quarantine = file it as Junk"
                     " (recommended to start); later, when the reports have listed only your own servers for a few"
                     " weeks, change it to p=reject".format(domain))


def grouped(records_of_all: Iterable[Record], hostname: str, domains: List[str]) -> List[Record]:
    """Put the records of one domain together. Returns the host's first, then each domain's, then all others."""
    heads = [hostname] + [domain for domain in domains if domain != hostname]

    def place(record: Record) -> int:
        above = [head for head in heads if ("." + record.name).endswith("." + head)]
        return heads.index(max(above, key=len)) if above else len(heads)

    return sorted(records_of_all, key=place)


def helpful(hostname: str, domains: List[str], certificate: str, services: Dict[str, int]) -> Iterator[Record]:
    """Yield records that mail does not need, but that make it safer or a mail program's set-up easier. `services`: the
    ports that mail programs use, by the label under which they look for each."""
    # A web site may use the domain's own name, with certificates of another issuer.
    if certificate == "letsencrypt" and hostname not in domains:
        yield Record(hostname, "CAA", '0 issue "letsencrypt.org"',
                     "only Let's Encrypt may issue certificates for this name and those below it")
    for domain in domains:
        yield Record("_smtp._tls." + domain, "TXT", "v=TLSRPTv1; rua=mailto:postmaster@" + domain,
                     "where other servers report that they could not send to {} encrypted".format(domain))
        for label, port in services.items():
            yield Record("{}._tcp.{}".format(label, domain), "SRV", "0 1 {} {}.".format(port, hostname),
                         "lets mail programs find port {}".format(port))
        for label, protocol in _NOT_OFFERED:
            yield Record("{}._tcp.{}".format(label, domain), "SRV", "0 0 0 .",
                         "tells mail programs that {} is not available here".format(protocol))


def zone_text(all_records: List[Record]) -> str:
    """Write the records as a part of a zone file (RFC 1035, 5.1), each with its reason. Returns the text."""
    lines = []
    for record in all_records:
        lines.append("; " + record.why)
        line = zone_line(record)
        lines.append(line if record.value else "; " + line)
    return "\n".join(lines) + "\n"


def zone_line(record: Record) -> str:
    """Write the record as a line of a zone file. Returns the line."""
    return "{}. {} IN {} {}".format(record.name, _TTL, record.type, zone_value(record))


def plain(record: Record, zones: List[str]) -> "OrderedDict[str, str]":
    """Split the record as web forms of DNS hosts ask for it: a name relative to the zone, a value without quotes, and a
    field for each of the numbers before it. Returns the fields; the name is in full where no zone is known."""
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
    """Write all records field by field, for typing them into a web form. Returns the text."""
    lines = []
    for record in all_records:
        fields = plain(record, zones)
        zone = fields.pop("zone")
        lines += ["# " + record.why, "# " + ("in the zone " + zone if zone else "the name is in full")]
        lines += ["{:<9} {}".format(name + ":", value) for name, value in fields.items()] + [""]
    return "\n".join(lines)


def zone_value(record: Record) -> str:
    """Return the value as a zone file has it."""
    if record.type != "TXT":
        return record.value
    parts = [record.value[start:start + _STRING] for start in range(0, len(record.value), _STRING)]
    return " ".join('"{}"'.format(part) for part in parts)
