"""What was carried out of larger files: see the names below."""
import time
from typing import List

from smallmail.accounts import domains
from smallmail.daemons import listening
from smallmail.dkim import keys
from smallmail.machine import addresses
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, tlsa
from smallmail.zones import dns_check, dns_records


def records(host: Host, settings: Settings) -> List[dns_records.Record]:
    """The DNS records without which mail does not flow, for this host and all its domains."""
    names = domains.domains(host)
    return list(dns_records.records(settings.hostname, names, addresses.public(), keys.records(host, time.time()),
                            settings.relayhost))


def all_records(host: Host, settings: Settings) -> List[dns_records.Record]:
    """Return those records, and the ones that are good to have."""
    helpful = dns_records.helpful(settings.hostname, domains.domains(host), settings.certificate, listening.SRV)
    return records(host, settings) + list(helpful) + list(tlsa.records(host, settings))


def wanted(host: Host, settings: Settings, chosen: List[str]) -> dns_check.Wanted:
    """By what the records of the host and of these domains are judged."""
    return dns_check.Wanted(settings.hostname, chosen, addresses.public(), addresses.is_here,
                           all_records(host, settings), settings.certificate == "letsencrypt",
                           certificate.chain(host), bool(settings.relayhost), keys.unused_names(host),
                           tlsa.waiting(host, settings))
