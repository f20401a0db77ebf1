"""What this host wants in DNS: the records of all rooms together.

A room that wants records has a function `records(host, settings)`, and a place in one of the two tuples below. Records
in NEEDED are those without which mail does not flow; the ones in USEFUL make it safer, or the set-up of mail programs
easier. `smallmail dns show` prints them, `dns publish` writes them, and `dns check` compares DNS with them.
"""
from typing import Iterator, List

from smallmail.accounts import domains as mail_domains
from smallmail.daemons import listening
from smallmail.dkim import keys as dkim_keys
from smallmail.machine import addresses
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, tlsa
from smallmail.zones import dns_check, dns_records
from smallmail.zones.dns_records import Record


def _host_and_senders(host: Host, settings: Settings) -> Iterator[Record]:
    return dns_records.records(settings.hostname, mail_domains.domains(host), addresses.public(), settings.relayhost)


def _policies(host: Host, _: Settings) -> Iterator[Record]:
    return dns_records.policies(mail_domains.domains(host))


def _helpful(host: Host, settings: Settings) -> Iterator[Record]:
    return dns_records.helpful(settings.hostname, mail_domains.domains(host), settings.certificate, listening.SRV)


NEEDED = (
    _host_and_senders,
    dkim_keys.records,
    _policies,
)
USEFUL = (
    _helpful,
    tlsa.records,
)


def needed_records(host: Host, settings: Settings) -> List[Record]:
    """Return the records without which mail does not flow, for this host and all its domains."""
    found = [record for source in NEEDED for record in source(host, settings)]
    return dns_records.grouped(found, settings.hostname, mail_domains.domains(host))


def all_records(host: Host, settings: Settings) -> List[Record]:
    """Return those records, and the ones that are good to have."""
    return needed_records(host, settings) + [record for source in USEFUL for record in source(host, settings)]


def wanted(host: Host, settings: Settings, chosen: List[str]) -> dns_check.Wanted:
    """Return what the records of the host and of the chosen domains are compared with."""
    return dns_check.Wanted(settings.hostname, chosen, addresses.public(), addresses.is_here,
                            all_records(host, settings), settings.certificate == "letsencrypt",
                            certificate.chain(host), bool(settings.relayhost), dkim_keys.unused_names(host),
                            tlsa.waiting(host, settings))
