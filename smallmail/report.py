"""What the admin reads at the end of an installation: what works now, what to put into DNS, the next command."""
import contextlib
import sys
import time
from typing import List

from smallmail import addresses, assets, certificate, dkim, dns, dnscheck, plan, tlsa
from smallmail.apply import Outcome
from smallmail.errors import Problem
from smallmail.host import Failed, Host
from smallmail.settings import Settings


def domains(host: Host) -> List[str]:
    """All mail domains of this host."""
    with assets.open_accounts(host) as database:
        return database.domains()


def chosen(host: Host, names: List[str]) -> List[str]:
    """Those of the mail domains that are named; all, when none is. Raises Problem for one that is none."""
    own = domains(host)
    words = [name.lower().rstrip(".") for name in names] or own
    for word in words:
        if word not in own:
            raise Problem("{} is no mail domain of this host: 'smallmail domain list' shows them".format(word))
    return words


def records(host: Host, settings: Settings) -> List[dns.Record]:
    """The DNS records without which mail does not flow, for this host and all its domains."""
    names = domains(host)
    return list(dns.records(settings.hostname, names, addresses.public(), dkim.records(host, time.time()),
                            settings.relayhost))


def all_records(host: Host, settings: Settings) -> List[dns.Record]:
    """Those, and the ones that are good to have."""
    return records(host, settings) + list(dns.helpful(settings.hostname, domains(host), settings.certificate)) \
        + list(tlsa.records(host, settings))


def wanted(host: Host, settings: Settings, chosen: List[str]) -> dnscheck.Wanted:
    """By what the records of the host and of these domains are judged."""
    return dnscheck.Wanted(settings.hostname, chosen, addresses.public(), addresses.is_here,
                           all_records(host, settings), settings.certificate == "letsencrypt",
                           certificate.chain(host), bool(settings.relayhost), dkim.unused_names(host),
                           tlsa.waiting(host, settings))


def alarm(host: Host, sentences: List[str]) -> None:
    """Say what the admin must know, and send it to root by mail: nobody may be reading now."""
    if not sentences:
        return
    text = "\n\n".join(sentences)
    print("smallmail-server: " + text, file=sys.stderr)
    with contextlib.suppress(Failed):
        mail(host, "smallmail: something of yours was set aside", text)


def mail(host: Host, subject: str, text: str) -> None:
    """Send a letter to root: it comes to the first mailbox. Raises Failed when Postfix does not take it."""
    subject = " ".join(subject.split())[:200].encode("ascii", "replace").decode("ascii")
    head = "To: root\nSubject: {}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" \
        "Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n".format(subject)
    host.run(["sendmail", "-i", "root"], head + "\n" + text + "\n")


def installed(host: Host, settings: Settings, outcome: Outcome) -> str:
    """The block after installation and reconfiguration."""
    lines = ["", "smallmail-server: {} takes mail for {}.".format(settings.hostname, ", ".join(settings.domain))]
    lines += ["  read mail   IMAP, port 993, TLS                 login: {}".format(settings.address),
              "  send mail   SMTP, port 465, TLS (or 587, STARTTLS), same login and password"]
    if settings.certificate == "letsencrypt" and certificate.is_self_signed(host):
        lines += ["  The certificate is self-signed until Let's Encrypt gives one: it is asked for as soon as {} is"
                  .format(settings.hostname), "  in DNS; 'smallmail certificate status' tells how far that is."]
    waits = [assets.generated(settings)] if host.exists(assets.FIRST_PASSWORD) else []
    lines += ["  " + notice for notice in waits + [each for each in outcome.notices if each not in waits]]
    lines += ["  " + plan.describe(change) for change in outcome.by_hand]
    lines += ["", "Set these records in DNS ('smallmail dns show' has more, 'smallmail dns check' asks for them):", ""]
    lines += ["  " + line for line in dns.zone_text(records(host, settings)).splitlines()]
    lines += ["", "Ports to open: 25, 465, 587, 993, 4190 (and 80 for Let's Encrypt). Next: 'smallmail status'."]
    return "\n".join(lines)
