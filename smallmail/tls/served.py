"""Compare the certificate in its file to those that the daemons show when something connects to them."""
import contextlib
import hashlib
import re
import time
from collections import OrderedDict
from typing import Dict, List, NamedTuple

from smallmail import pem
from smallmail.daemons import running, table
from smallmail.daemons.listening import SHOWING_CERTIFICATE, STARTTLS, Port
from smallmail.errors import Problem
from smallmail.findings import Finding, Group
from smallmail.machine import dates, port_holders, probes, services, state
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate

_GROUP = Group("tls")

# certbot renews 30 days before the end, and tries twice a day: at 14 days something is wrong.
FEW_DAYS = 14
_PATIENCE = 10.0        # seconds for one daemon to show its certificate
_DAY = 86400.0

Certificate = NamedTuple("Certificate", [
    ("issuer", str),
    ("names", List[str]),
    ("key", str),               # "RSA 4096", "ECDSA P-256"
    ("until", float),           # seconds since 1970
    ("fingerprint", str),       # SHA-256 of its DER form
])


def on_disk(host: Host) -> Certificate:
    """Read the certificate in the file that the daemons use. Raises Problem if it cannot be read."""
    path = state.CURRENT + "/fullchain.pem"
    try:
        text = host.run(["openssl", "x509", "-noout", "-text", "-issuer", "-nameopt", "RFC2253",
                         "-in", host.path(path)])
    except Failed as error:
        raise Problem("the certificate cannot be read: {}".format(error))
    issuer = re.findall(r"^issuer= ?(.*)$", text, re.MULTILINE)
    until = re.search(r"Not After ?: (.+)", text)
    return Certificate(issuer[-1] if issuer else "", re.findall(r"DNS:([^,\s]+)", text), _key(text),
                       _seconds(until.group(1).strip()) if until else 0.0, fingerprint(host))


def _seconds(text: str) -> float:
    import ssl  # noqa: PLC0415 (few verbs look at the certificate)

    return ssl.cert_time_to_seconds(text)


def fingerprint(host: Host) -> str:
    """Return the fingerprint of the first certificate in the file; empty if there is none."""
    texts = certificate.texts(host)
    try:
        return hashlib.sha256(pem.der(texts[0])).hexdigest() if texts else ""
    except ValueError:
        return ""


def _key(text: str) -> str:
    bits = re.search(r"Public[ -]Key: \((\d+) bit", text)
    kind = "RSA" if "rsaEncryption" in text else "ECDSA P-" if "id-ecPublicKey" in text else "other "
    return "{}{}{}".format(kind, " " if kind == "RSA" else "", bits.group(1) if bits else "?")


def by_port(host: Host, hostname: str) -> Dict[int, str]:
    """Return the fingerprint that each port shows; empty if it does not answer. Returns nothing in a chroot."""
    return OrderedDict((port.number, _shown(port, hostname)) for port in SHOWING_CERTIFICATE if services.managed())


def elsewhere(host: Host, hostname: str, seconds: float = 0.0) -> List[int]:
    """Wait until the daemons that run show the certificate in the file, for that time at most. Returns the ports that
    show another one. (A daemon that does not run reads the file when it starts.)"""
    deadline, wanted = time.monotonic() + seconds, fingerprint(host)
    ports_served = [port for port in SHOWING_CERTIFICATE if running.active(host, table.BY_NAME[port.daemon])]
    while True:
        wrong = [port.number for port in ports_served if _shown(port, hostname) != wanted]
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.5)


def findings(host: Host, settings: Settings) -> List[Finding]:
    """Check the certificate in its file and on all ports, for `smallmail check`. Returns what was found. Raises Problem
    when the file cannot be read."""
    return problems(on_disk(host), by_port(host, settings.hostname), time.time())


def problems(found: Certificate, shown: Dict[int, str], now: float) -> List[Finding]:
    """Judge the certificate. `shown`: the fingerprint of what each port shows. Returns what is wrong."""
    why = "Mail programs warn their users, or do not connect; other servers may not deliver."
    wrong = []
    days = int((found.until - now) // _DAY)
    if days < 0:
        wrong.append(_GROUP.problem("the certificate has expired", why, ["smallmail certificate status"]))
    elif days < FEW_DAYS:
        wrong.append(_GROUP.problem("the certificate expires on {}".format(dates.day(found.until)), why,
                                    ["smallmail certificate status"]))
    for daemon in table.SERVING_CERTIFICATE:
        silent = [str(port.number) for port in daemon.ports if shown.get(port.number) == ""]
        if silent:
            wrong.append(_GROUP.problem("no certificate is shown on port {}".format(" and ".join(silent)), why,
                                        ["systemctl status {}".format(daemon.unit)],
                                        about=[daemon.unit] + ["port " + port for port in silent]))
    other = [str(port) for port, what in shown.items() if what not in ("", found.fingerprint)]
    if other:
        wrong.append(_GROUP.problem("another certificate is shown on port {}".format(" and ".join(other)), why,
                                    ["systemctl reload " + " ".join(each.unit for each in table.SERVING_CERTIFICATE)]))
    return wrong


def _shown(port: Port, hostname: str) -> str:
    der, address = b"", port_holders.address(port.number)
    if address:
        with contextlib.suppress(OSError):
            der = _by_starttls(address, port) if port.tls == STARTTLS else _at_once(address, port, hostname)
    return hashlib.sha256(der).hexdigest() if der else ""


def _by_starttls(address: str, port: Port) -> bytes:
    with probes.smtp(address, port.number, _PATIENCE) as connection:
        connection.starttls(context=probes.any_certificate())
        return bytes(connection.sock.getpeercert(True) or b"")


def _at_once(address: str, port: Port, hostname: str) -> bytes:
    with probes.connection_to(address, port.number, _PATIENCE, probes.any_certificate(), hostname) as connection:
        connection.recv(100)    # the greeting: leaving before it would be logged as an error
        connection.sendall(port.farewell)
        return bytes(connection.getpeercert(True) or b"")
