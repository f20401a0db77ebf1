"""Build certbot's command line, and translate its errors into one sentence. obtain.py decides when it runs."""
import importlib.util
import re
from collections import OrderedDict
from typing import Dict, List, Tuple

from smallmail.daemons import listening
from smallmail.daemons.facts import version_tuple
from smallmail.machine import port_holders
from smallmail.machine.host import Host
from smallmail.publishing import name_servers
from smallmail.settings.fields import Settings
from smallmail.tls import certificate

_PLUGIN = "certbot_dns_rfc2136"

# certbot 1.10 brought --key-type, and with it other keys than RSA; 1.25 brought --new-key. All know --reuse-key (0.25).
_KEY_TYPES_SINCE = (1, 10)
_NEW_KEY_SINCE = (1, 25)


def asked(settings: Settings) -> Dict[str, str]:
    """Return the settings that a certificate depends on: remembered with it, and compared to the settings later."""
    return OrderedDict((name, settings.text(name))
                       for name in ("hostname", "certificate-key", "acme-server", "acme-challenge"))


def command(host: Host, settings: Settings, renew: bool, new_key: bool = False) -> List[str]:
    """Return the command line that asks for a certificate. `renew` replaces a certificate that is still valid,
    `new_key` its key too. Otherwise the key stays the same, also at later renewals, and so does its TLSA record."""
    words = ["certbot", "certonly", "--non-interactive", "--agree-tos", "--cert-name", settings.hostname,
             "-d", settings.hostname]
    words += ["--email", settings.acme_email, "--no-eff-email"] if settings.acme_email else \
        ["--register-unsafely-without-email"]
    if settings.acme_server:
        words += ["--server", settings.acme_server]
    if settings.acme_challenge == "dns":
        words += ["--authenticator", "dns-rfc2136", "--dns-rfc2136-credentials", "/" + name_servers.PATH,
                  "--preferred-challenges", "dns"]
    else:
        words += ["--standalone", "--preferred-challenges", "http"]
    words += ["--force-renewal" if renew else "--keep-until-expiring"]
    if not new_key:
        words += ["--reuse-key"]
    elif _version(host) >= _NEW_KEY_SINCE:
        words += ["--reuse-key", "--new-key"]
    if _knows_key_types(host):
        words += ["--key-type", "ecdsa" if settings.certificate_key == "ecdsa" else "rsa"]
    return words + (["--rsa-key-size", "4096"] if settings.certificate_key == "rsa4096" else [])


def obstacle(host: Host, settings: Settings) -> str:
    """Return what on this host would make certbot fail in any case, in one sentence, or ""."""
    if settings.certificate_key == "ecdsa" and not _knows_key_types(host):
        return "this certbot makes RSA keys only: type 'smallmail set certificate-key=rsa4096'"
    if settings.acme_challenge == "http":
        holder = port_holders.holder(listening.HTTP)
        return _taken(port_holders.words(holder)) if holder else ""
    if not importlib.util.find_spec(_PLUGIN):
        return "acme-challenge is 'dns', but certbot's plugin for it is not installed: type 'apt install" \
            " python3-certbot-dns-rfc2136'"
    trouble = name_servers.obstacle(host)
    return "acme-challenge is 'dns', but " + trouble if trouble else ""


def obstacle_to_renewal(host: Host, settings: Settings) -> str:
    """Return what on this host would make the next renewal fail in any case, in one sentence, or "". A web server may
    hold port 80 if the admin has told certbot so: by another way to answer the challenge (webroot, nginx), by another
    port, to which the web server forwards, or by a hook that stops the web server."""
    renewal = host.text("etc/letsencrypt/renewal/{}.conf".format(settings.hostname))
    values = dict(re.findall(r"^[ \t]*(authenticator|http01_port|pre_hook)[ \t]*=[ \t]*(\S.*?)[ \t]*$", renewal,
                             re.MULTILINE))
    arranged = values.get("authenticator", "standalone") != "standalone" or "pre_hook" in values \
        or values.get("http01_port", "80") != "80" or bool(host.names("etc/letsencrypt/renewal-hooks/pre"))
    return "" if arranged and has_lineage(host, settings) else obstacle(host, settings)


def has_lineage(host: Host, settings: Settings) -> bool:
    """Tell whether certbot has a certificate for the hostname, requested by smallmail or by the admin."""
    return host.exists(certificate.lineage(settings) + "/fullchain.pem")


def boiled_down(words: str, hostname: str) -> str:
    """Return the cause of a failure, from certbot's output, as one sentence that names a remedy if there is one."""
    detail = _detail(words)
    for pattern, sentence in _SENTENCES:
        if re.search(pattern, words, re.IGNORECASE):
            return sentence.format(host=hostname, detail=" ({})".format(detail) if detail else "")
    return "certbot failed: " + (detail or _last_line(words) or "it did not say why")


def is_rate_limited(words: str) -> bool:
    """Tell whether the ACME server is rate-limiting this host."""
    return bool(re.search(_RATE, words, re.IGNORECASE))


def is_unreachable(words: str) -> bool:
    """Tell whether the ACME server was not reached: such an attempt counts against no rate limit."""
    return bool(re.search(_AWAY, words, re.IGNORECASE))


def _taken(who: str) -> str:
    return "port 80 is held by {}: stop it, or type 'smallmail set acme-challenge=dns' and let certbot set a DNS" \
        " record instead".format(who)


_RATE = r"rateLimited|too many (certificates|failed|new|currently|registrations)|rate limit"

_AWAY = (r"Max retries exceeded|NewConnectionError|Name or service not known|Temporary failure in name resolution|"
         r"Network is unreachable|ConnectTimeout|Requesting \S+: ")

# The first that fits. Types are those of RFC 8555, 6.7.
_SENTENCES = [
    (_RATE, "the ACME server is rate-limiting this host{detail}"),
    (r"Could not bind TCP port 80|problem binding to port 80", _taken("another program")),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError", "this host does not trust the ACME server's own certificate: is its clock"
     " right, and is ca-certificates up to date?"),
    (_AWAY, "the ACME server cannot be reached from this host: is outgoing port 443 open?"),
    (r"Type: +caa|acme:error:caa", "a CAA record does not allow this certificate authority to issue a certificate for"
     " {host}{detail}"),
    (r"Type: +dns|acme:error:dns|could not resolve", "the ACME server does not find {host} in DNS: 'smallmail dns show'"
     " has the records to set{detail}"),
    (r"Type: +connection|acme:error:connection", "port 80 of {host} cannot be reached from outside: open it in every"
     " firewall in front of this host, or type 'smallmail set acme-challenge=dns'{detail}"),
    (r"Type: +unauthorized|acme:error:(unauthorized|incorrectResponse)", "something other than this host answers"
     " on port 80 of {host}: is there a proxy, or an AAAA record of another host?{detail}"),
    (r"invalidContact|unsupportedContact|invalidEmail", "acme-email: the ACME server does not accept that"
     " address{detail}"),
    (r"Another instance of Certbot is already running", "another certbot is running: smallmail tries again soon"),
]


def _detail(words: str) -> str:
    """Return the server's own words on it, without the long URL that it tried."""
    found = re.search(r"(?:Detail: |urn:ietf:params:acme:error:\w+ :: )(?:Get \S+ )?(.+)", words)
    return re.sub(r"\s+", " ", found.group(1)).strip().rstrip(".")[:300] if found else ""


def _last_line(words: str) -> str:
    ignored = ("Saving debug log", "Ask for help", "See the logfile", "- - -")
    lines = [line.strip() for line in words.splitlines() if line.strip() and not line.strip().startswith(ignored)]
    return lines[-1][:300] if lines else ""


def _knows_key_types(host: Host) -> bool:
    return _version(host) >= _KEY_TYPES_SINCE


def _version(host: Host) -> Tuple[int, ...]:
    return version_tuple(host.run(["certbot", "--version"]).split()[-1])
