"""Check the certificate and TLS, as the daemons show them to those who connect."""
import contextlib
import ssl
from typing import Any, Dict, Iterator, List  # noqa: F401 (in a type comment)

from smallmail.check import units
from smallmail.check.groups import host as groups_host
from smallmail.daemons import main_cf
from smallmail.daemons.listening import SHOWING_CERTIFICATE, STARTTLS, Port
from smallmail.findings import Finding, Group
from smallmail.machine import port_holders, probes, services
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, obtain, served

_GROUP = Group("tls")
_MTA_STS = "postfix-mta-sts-resolver"
_PATIENCE = 10.0
_TLS_1_0 = 0x301    # ssl.TLSVersion.TLSv1


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check all of the group but what tls/ finds itself. Yields what was found. (TLSA records are judged with the
    others, in zones/.)"""
    yield from source(settings.certificate, certificate.is_self_signed(host),
                      certificate.trouble(host, settings) or str(obtain.attempts(host)["reason"]))
    yield from name(settings.hostname, served.on_disk(host).names)
    if services.managed():
        asked = main_cf.parse_main(host.text(main_cf.MAIN)).get("smtp_tls_policy_maps", "")
        yield from policies(asked, services.state(host, _MTA_STS))
        yield from old_protocols({port.number: takes_old(port) for port in SHOWING_CERTIFICATE})


def source(wanted: str, self_signed: bool, reason: str) -> Iterator[Finding]:
    """Judge whether the certificate comes from the source that the settings name. `reason`: what keeps the timer from
    getting it. Yields what was found."""
    if wanted == "self-signed":
        yield _GROUP.note("the certificate is self-signed, as the settings say: mail programs warn their users")
    elif self_signed and not reason:
        yield _GROUP.note("the certificate is still self-signed: one from Let's Encrypt is requested within minutes")
    elif self_signed:
        yield _GROUP.problem("the certificate is self-signed: there is none from Let's Encrypt yet",
                             "Mail programs warn their users. The reason: {}.".format(reason),
                             ["smallmail certificate status", "smallmail certificate obtain"])
    elif reason:
        yield _GROUP.problem("there is no new certificate yet, or the new one is not in use",
                             "The reason: {}.".format(reason), ["smallmail certificate status"])


def name(hostname: str, names: List[str]) -> Iterator[Finding]:
    """Judge whether the certificate is for the host's name (RFC 6125, 6.4.3: '*' matches one label). Yields what was
    found."""
    if hostname not in names and "*." + hostname.partition(".")[2] not in names:
        yield _GROUP.problem("the certificate is not for {}: it has {}".format(
            hostname, "the name {}".format(units.listed(names)) if names else "no name"),
            "Mail programs warn their users, or do not connect.", [
                "smallmail certificate status", "smallmail show certificate certificate-file"])


def policies(asked: str, state: str) -> Iterator[Finding]:
    """Judge whether the daemon runs that Postfix asks for other domains' policies (MTA-STS). `asked`: Postfix's
    parameter; `state`: the daemon's, as systemd calls it. Yields what was found."""
    if "socketmap:inet:127.0.0.1:8461:" in asked and state != "active":
        yield _GROUP.problem(groups_host.state_in_words(_MTA_STS, state), "All outgoing mail waits: Postfix asks it how"
                             " to send (MTA-STS).", ["systemctl start {}".format(_MTA_STS)],
                             advice="To do without it, remove the package {}.".format(_MTA_STS))


def old_protocols(takes: Dict[int, bool]) -> Iterator[Finding]:
    """Yield a problem when TLS older than 1.2 is accepted, given whether each port accepts it."""
    old = [str(port) for port, old in takes.items() if old]
    if old:
        yield _GROUP.problem("TLS older than 1.2 is accepted on port {}".format(" and ".join(old)),
                             "It is broken, and RFC 8996 forbids it.",
                             ["postconf -n | grep tls", "doveconf ssl_min_protocol", "smallmail plan"])


def takes_old(port: Port) -> bool:
    """Return whether a handshake with TLS 1.1 or older succeeds there."""
    context = probes.any_certificate()
    context.options |= ssl.OP_NO_TLSv1_2 | getattr(ssl, "OP_NO_TLSv1_3", 0)
    with contextlib.suppress(AttributeError, ValueError):   # Python 3.7 has it; this OpenSSL may not know one so old
        newer = context     # type: Any
        newer.minimum_version = _TLS_1_0
    with contextlib.suppress(ssl.SSLError):     # OpenSSL since 3.0 has this at level 0 only
        context.set_ciphers("ALL:@SECLEVEL=0")
    address = port_holders.address(port.number)
    with contextlib.suppress(OSError):
        if address and port.tls == STARTTLS:
            with probes.smtp(address, port.number, _PATIENCE) as connection:
                connection.starttls(context=context)
                return True
        if address:
            with probes.connection_to(address, port.number, _PATIENCE, context):
                return True
    return False
