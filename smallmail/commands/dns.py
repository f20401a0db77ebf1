"""`smallmail dns show` and `smallmail dns check`: the records to set, and what DNS says; publish.py sets them."""
import argparse
from collections import OrderedDict

from smallmail import findings, wanted_records
from smallmail.accounts import domains
from smallmail.check.groups import dns as groups_dns
from smallmail.commands.arguments.parser import Told
from smallmail.machine.host import Host
from smallmail.settings import store
from smallmail.tls import tlsa
from smallmail.zones import dns_records

_PATIENCE = 5.0     # seconds that showing may wait for name servers


def show(host: Host, options: argparse.Namespace) -> Told:
    """Return the records to set."""
    settings = store.load(host)
    tlsa.refresh(host, settings.hostname, _PATIENCE)
    records = wanted_records.all_records(host, settings)
    zones = domains.domains(host)
    data = [OrderedDict(list(zip(record._fields, record)) + [("plain", dns_records.plain(record, zones))])
            for record in records]
    text = dns_records.plain_text(records, zones) if options.plain else dns_records.zone_text(records)
    mark = "#" if options.plain else ";"
    return "{}\n{} {}".format(text.rstrip(), mark, dns_records.NOT_HERE), data, 0


def check(host: Host, options: argparse.Namespace) -> Told:
    """Ask the domains' own name servers. Returns what was found; the exit code is 1 when there is a problem."""
    settings = store.load(host)
    found = groups_dns.records(host, settings, domains.chosen(host, options.names))
    return findings.text(found), findings.data(found), 1 if findings.problems(found) else 0
