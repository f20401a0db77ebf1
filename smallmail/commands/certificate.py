"""`smallmail certificate`: the certificate that the daemons serve, and a new one from Let's Encrypt."""
import argparse
import time
from collections import OrderedDict
from typing import Any, Dict

from smallmail import findings
from smallmail.commands.arguments.parser import Told
from smallmail.machine import dates, services
from smallmail.machine.host import Host
from smallmail.settings import store
from smallmail.tls import certificate, obtain as tls_obtain, rollover, served


def status(host: Host, _: argparse.Namespace) -> Told:
    """Return the certificate, whether it is in use, and the last attempts; the exit code is 1 for a problem."""
    settings = store.load(host)
    found, known = served.on_disk(host), tls_obtain.attempts(host)
    shown = served.by_port(host, settings.hostname)
    problems = [finding.what for finding in served.problems(found, shown, time.time())
                + findings.problems(rollover.findings(host, settings))]
    data = OrderedDict([
        ("issuer", "this host itself" if certificate.is_self_signed(host) else found.issuer),
        ("names", found.names),
        ("key", found.key),
        ("until", _time(found.until)),
        ("served", OrderedDict((str(port), what == found.fingerprint) for port, what in shown.items())),
        ("last_attempt", _time(known["last"])),
        ("next_attempt", _next(tls_obtain.due(settings, known)) if tls_obtain.wanted(host, settings, known) else ""),
        ("reason", known["reason"]),
        ("next_certificate", known["waits"]),
        ("problems", problems),
    ])  # type: Dict[str, Any]
    return _screen(data), data, 1 if problems else 0


def obtain(host: Host, options: argparse.Namespace) -> int:
    """Request a certificate now. Returns the exit code."""
    settings = store.load(host)
    waits = tls_obtain.obtain(host, settings, options.new)
    found = served.on_disk(host)
    print("{} is {}, valid until {}.".format(" and ".join(found.names), "served" if services.managed() else "ready",
                                             _time(found.until)))
    if waits:
        print(waits[0].upper() + waits[1:] + ".")
    return 0


def _screen(data: Dict[str, Any]) -> str:
    lines = ["Names         " + ", ".join(data["names"]), "Issuer        " + data["issuer"],
             "Key           " + data["key"], "Valid until   " + data["until"],
             "Served        " + (", ".join("{} {}".format(port, "yes" if is_it else "no")
                                           for port, is_it in data["served"].items()) or "nothing runs")]
    if data["last_attempt"]:
        lines.append("Last attempt  " + data["last_attempt"])
    if data["next_attempt"]:
        lines.append("Next attempt  " + data["next_attempt"])
    if data["reason"]:
        lines.append("Waits because " + data["reason"])
    if data["next_certificate"]:
        lines.append("Next one      " + data["next_certificate"])
    return "\n".join(lines + ["Problem: " + sentence for sentence in data["problems"]])


def _next(due: float) -> str:
    return _time(due) if due > time.time() else "within minutes"


def _time(seconds: float) -> str:
    return dates.minute(seconds) if seconds else ""
