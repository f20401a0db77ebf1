"""What the admin reads at the end of an installation: what works now, what to put into DNS, the next command."""
from smallmail import wanted_records
from smallmail.accounts import first
from smallmail.configuration import plan
from smallmail.configuration.apply import Outcome
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate
from smallmail.zones import dns_records


def installed(host: Host, settings: Settings, outcome: Outcome) -> str:
    """The block after installation and reconfiguration."""
    lines = ["", "smallmail-server: {} takes mail for {}.".format(settings.hostname, ", ".join(settings.domain))]
    lines += ["  read mail   IMAP, port 993, TLS                 login: {}".format(settings.address),
              "  send mail   SMTP, port 465, TLS (or 587, STARTTLS), same login and password"]
    if settings.certificate == "letsencrypt" and certificate.is_self_signed(host):
        lines += ["  The certificate is self-signed until Let's Encrypt gives one: it is asked for as soon as {} is"
                  .format(settings.hostname), "  in DNS; 'smallmail certificate status' tells how far that is."]
    waits = [first.generated(settings)] if host.exists(first.FIRST_PASSWORD) else []
    lines += ["  " + notice for notice in waits + [each for each in outcome.notices if each not in waits]]
    lines += ["  " + plan.describe(change) for change in outcome.by_hand]
    lines += ["", "Set these records in DNS ('smallmail dns show' has more, 'smallmail dns check' asks for them):", ""]
    lines += ["  " + line for line in dns_records.zone_text(wanted_records.records(host, settings)).splitlines()]
    lines += ["", "Ports to open: 25, 465, 587, 993, 4190 (and 80 for Let's Encrypt). Next: 'smallmail status'."]
    return "\n".join(lines)
