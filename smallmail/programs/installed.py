"""The lines that end an installation: what works now, what to put into DNS, the next command."""
from smallmail import wanted_records
from smallmail.accounts import first_mailbox
from smallmail.configuration import plan
from smallmail.configuration.apply import Outcome
from smallmail.daemons.listening import HTTP, IMAPS, PUBLIC, SUBMISSION, SUBMISSIONS, Port
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate
from smallmail.zones import dns_records


def installed(host: Host, settings: Settings, outcome: Outcome) -> str:
    """Return the lines that end an installation or a reconfiguration."""
    lines = ["", "smallmail-server: {} now accepts mail for {}.".format(settings.hostname, ", ".join(settings.domain))]
    lines += ["  read mail   {:<35} login: {}".format(_way(IMAPS), settings.address),
              "  send mail   {} (or {}, {}), same login and password".format(_way(SUBMISSIONS), SUBMISSION.number,
                                                                             SUBMISSION.tls)]
    if settings.certificate == "letsencrypt" and certificate.is_self_signed(host):
        lines += ["  For now the certificate is self-signed, so mail programs will warn. One from Let's Encrypt is",
                  "  requested automatically once {} is in DNS.".format(settings.hostname),
                  "  Progress: 'smallmail certificate status'."]
    waits = [first_mailbox.where(settings)] if host.exists(state.FIRST_PASSWORD) else []
    lines += ["  " + notice for notice in waits + [each for each in outcome.notices if each not in waits]]
    lines += ["  " + plan.describe(change) for change in outcome.by_hand]
    lines += ["", "Set these records in DNS ('smallmail dns show' has more, 'smallmail dns check' checks them):", ""]
    lines += ["  " + line for line in dns_records.zone_text(wanted_records.needed_records(host, settings)).splitlines()]
    lines += ["", "Ports to open: {} (and {} for Let's Encrypt). Next: 'smallmail status'.".format(
        ", ".join(str(port.number) for port in PUBLIC), HTTP)]
    return "\n".join(lines)


def _way(port: Port) -> str:
    return "{}, port {}, {}".format(port.protocol, port.number, port.tls)
