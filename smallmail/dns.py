"""The DNS records that a host's mail needs. Pure: names and keys in, records out."""
from typing import Dict, Iterator, List, NamedTuple

Record = NamedTuple("Record", [("name", str), ("type", str), ("value", str), ("why", str)])

_TTL = 3600

# RFC 1035, 3.3: a character-string holds 255 octets; a longer TXT value is several of them, joined by the reader.
_STRING = 255


def records(hostname: str, domains: List[str], addresses: List[str], dkim: Dict[str, str],
            selector: str, relayhost: str = "") -> Iterator[Record]:
    """All records for the host and its mail domains. `addresses`: the host's public ones; `dkim`: TXT value by domain.

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
        if dkim.get(domain):
            yield Record("{}._domainkey.{}".format(selector, domain), "TXT", dkim[domain],
                         "the key that proves mail from {} unforged".format(domain))
        # A policy of quarantine is what DKIM and SPF above carry from the first day (RFC 7489, 6.3).
        yield Record("_dmarc." + domain, "TXT", "v=DMARC1; p=quarantine; rua=mailto:postmaster@{}".format(domain),
                     "what others do with mail that only pretends to be from " + domain)


def zone_text(all_records: List[Record]) -> str:
    """The records as a piece of a zone file (RFC 1035, 5.1), each with its reason."""
    lines = []
    for record in all_records:
        lines.append("; " + record.why)
        line = "{}. {} IN {} {}".format(record.name, _TTL, record.type, _value(record))
        lines.append(line if record.value else "; " + line)
    return "\n".join(lines) + "\n"


def _value(record: Record) -> str:
    if record.type != "TXT":
        return record.value
    parts = [record.value[start:start + _STRING] for start in range(0, len(record.value), _STRING)]
    return " ".join('"{}"'.format(part) for part in parts)
