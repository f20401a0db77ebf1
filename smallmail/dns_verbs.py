"""What the verbs on DNS do: show the records to set, and check what DNS says."""
import argparse
from collections import OrderedDict

from smallmail import dns, findings, report, store, tlsa
from smallmail.host import Host
from smallmail.verbs import Told

_PATIENCE = 5.0     # seconds that showing may wait for name servers


def show(host: Host, options: argparse.Namespace) -> Told:
    """The records to set."""
    settings = store.load(host)
    tlsa.refresh(host, settings.hostname, _PATIENCE)
    records = report.all_records(host, settings)
    zones = report.domains(host)
    data = [OrderedDict(list(zip(record._fields, record)) + [("plain", dns.plain(record, zones))])
            for record in records]
    text = dns.plain_text(records, zones) if options.plain else dns.zone_text(records)
    mark = "#" if options.plain else ";"
    return "{}\n{} {}".format(text.rstrip(), mark, dns.NOT_HERE), data, 0


def check(host: Host, options: argparse.Namespace) -> Told:
    """What the domains' own name servers say; exit code 1 when something is wrong."""
    # Every verb would wait for dnspython: loading it takes a tenth of a second.
    from smallmail import check_dns  # noqa: PLC0415

    settings = store.load(host)
    found = check_dns.records(host, settings, report.chosen(host, options.names))
    return findings.text(found), findings.data(found), 1 if findings.problems(found) else 0
