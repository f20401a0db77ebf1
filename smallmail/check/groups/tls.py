"""The check of the certificate and of TLS, as the daemons show them to whoever connects."""
import contextlib
import smtplib
import socket
import ssl
import time
from typing import Any, Dict, Iterator, List  # noqa: F401 (in a type comment)

from smallmail.daemons import main_cf
from smallmail.daemons.listening import SHOWING_CERTIFICATE, STARTTLS, Port
from smallmail.findings import Finding, Group
from smallmail.machine import ports, probes, services
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, obtain, rollover, served

_GROUP = Group("tls")
_MTA_STS = "postfix-mta-sts-resolver"
_PATIENCE = 10.0
_TLS_1_0 = 0x301    # ssl.TLSVersion.TLSv1


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """All of the group. (TLSA records are judged with the others, in dnscheck.py.)"""
    found, known = served.on_disk(host), obtain.state(host)
    for sentence in served.problems(found, served.by_port(host, settings.hostname), time.time()):
        what, _, fix = sentence.partition(": ")
        yield _GROUP.problem(what, "Mail programs warn their users, or do not connect; other servers may not deliver.",
                             fix)
    yield from source(settings.certificate, certificate.is_self_signed(host), str(known["reason"]))
    yield from name(settings.hostname, found.names)
    yield from rollover.findings(host, settings)
    if services.managed():
        asked = main_cf.parse_main(host.text(main_cf.MAIN)).get("smtp_tls_policy_maps", "")
        yield from policies(asked, services.state(host, _MTA_STS))
        yield from old_protocols({port.number: takes_old(port) for port in SHOWING_CERTIFICATE})


def source(wanted: str, self_signed: bool, reason: str) -> Iterator[Finding]:
    """Whether the certificate comes from where the settings say. `reason`: what the timer says is in the way."""
    if wanted == "self-signed":
        yield _GROUP.note("the certificate is self-signed, as the settings say: mail programs warn their users")
    elif self_signed and not reason:
        yield _GROUP.note("the certificate is still self-signed: Let's Encrypt is asked within minutes")
    elif self_signed:
        yield _GROUP.problem("the certificate is self-signed: there is none from Let's Encrypt yet",
                             "Mail programs warn their users. What is in the way: {}".format(reason),
                             "smallmail certificate status\nsmallmail certificate obtain")
    elif reason:
        yield _GROUP.problem("a new certificate is not had, or not served", "What is in the way: {}".format(reason),
                             "smallmail certificate status")


def name(hostname: str, names: List[str]) -> Iterator[Finding]:
    """Whether the certificate is for the host's name (RFC 6125, 6.4.3: '*' stands for one label)."""
    if hostname not in names and "*." + hostname.partition(".")[2] not in names:
        yield _GROUP.problem("the certificate is not for {}, but for {}".format(
            hostname, ", ".join(names) or "no name"), "Mail programs warn their users, or do not connect.",
                             "smallmail certificate status\nsmallmail show certificate certificate-file")


def policies(asked: str, state: str) -> Iterator[Finding]:
    """Whether the daemon runs that Postfix asks for other domains' policies (MTA-STS). `asked`: Postfix's parameter;
    `state`: what systemd calls the daemon's."""
    if "socketmap:inet:127.0.0.1:8461:" in asked and state != "active":
        yield _GROUP.problem("{} is {}".format(_MTA_STS, state), "All mail that goes out waits: Postfix asks it how to"
                             " send (MTA-STS).", "systemctl start {0}\nor, to do without it: apt remove {0}".format(
                                 _MTA_STS))


def old_protocols(takes: Dict[int, bool]) -> Iterator[Finding]:
    """The ports where TLS older than 1.2 is spoken."""
    old = [str(port) for port, old in takes.items() if old]
    if old:
        yield _GROUP.problem("TLS older than 1.2 is taken on port {}".format(" and ".join(old)),
                             "It is broken, and retired by RFC 8996.",
                             "postconf -n | grep tls; doveconf ssl_min_protocol\nsmallmail plan")


def takes_old(port: Port) -> bool:
    """Whether a handshake with TLS 1.1 or older comes to an end there."""
    context = probes.any_certificate()
    context.options |= ssl.OP_NO_TLSv1_2 | getattr(ssl, "OP_NO_TLSv1_3", 0)
    with contextlib.suppress(AttributeError, ValueError):   # Python 3.7 has it; this OpenSSL may know none so old
        newer = context     # type: Any
        newer.minimum_version = _TLS_1_0
    with contextlib.suppress(ssl.SSLError):     # OpenSSL since 3.0 has this at level 0 only
        context.set_ciphers("ALL:@SECLEVEL=0")
    address = ports.address(port.number)
    with contextlib.suppress(OSError, smtplib.SMTPException):
        if address and port.tls == STARTTLS:
            with smtplib.SMTP(address, port.number, local_hostname="localhost", timeout=_PATIENCE) as connection:
                connection.starttls(context=context)
                return True
        if address:
            with socket.create_connection((address, port.number), _PATIENCE) as plain, context.wrap_socket(plain):
                return True
    return False
