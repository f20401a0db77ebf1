"""certbot: what it is told, and what its words mean in plain ones."""
import importlib.util
import re
from collections import OrderedDict
from typing import Dict, List, Tuple

from smallmail.daemons import listening
from smallmail.daemons.facts import version_tuple
from smallmail.machine import ports
from smallmail.machine.host import Host
from smallmail.publishing import name_servers
from smallmail.settings.fields import Settings
from smallmail.tls import certificate

_PLUGIN = "certbot_dns_rfc2136"

# certbot 1.10 brought --key-type, and with it other keys than RSA; 1.25 brought --new-key. All know --reuse-key (0.25).
_KEY_TYPES_SINCE = (1, 10)
_NEW_KEY_SINCE = (1, 25)


def asked(settings: Settings) -> Dict[str, str]:
    """What makes one certificate another than was had before: kept when it is had, compared later."""
    return OrderedDict((name, settings.text(name))
                       for name in ("hostname", "certificate-key", "acme-server", "acme-challenge"))


def command(host: Host, settings: Settings, renew: bool, new_key: bool = False) -> List[str]:
    """The command line that asks for the certificate of the hostname; `renew` replaces one that still serves,
    `new_key` its key too. Else the key stays, also at each later renewal, and the TLSA record of it with it."""
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
    """What on this host would make certbot fail in any case, in one sentence; empty when nothing."""
    if settings.certificate_key == "ecdsa" and not _knows_key_types(host):
        return "this certbot makes RSA keys only: type 'smallmail set certificate-key=rsa4096'"
    if settings.acme_challenge == "http":
        holder = ports.holder(listening.HTTP)
        return _taken(ports.words(holder)) if holder else ""
    if not importlib.util.find_spec(_PLUGIN):
        return "acme-challenge is 'dns', but certbot has no RFC 2136 here: type 'apt install" \
            " python3-certbot-dns-rfc2136'"
    trouble = name_servers.obstacle(host)
    return "acme-challenge is 'dns', but " + trouble if trouble else ""


def has_lineage(host: Host, settings: Settings) -> bool:
    """Whether certbot has a certificate for the hostname, whoever asked for it."""
    return host.exists(certificate.lineage(settings) + "/fullchain.pem")


def boiled_down(words: str, hostname: str) -> str:
    """The reason in what certbot said, as one sentence that names a remedy where there is one."""
    detail = _detail(words)
    for pattern, sentence in _SENTENCES:
        if re.search(pattern, words, re.IGNORECASE):
            return sentence.format(host=hostname, detail=" ({})".format(detail) if detail else "")
    return "certbot failed: " + (detail or _last_line(words) or "it did not say why")


def is_rate_limited(words: str) -> bool:
    """Whether the server wants to be left alone for a while."""
    return bool(re.search(_RATE, words, re.IGNORECASE))


def is_unreachable(words: str) -> bool:
    """Whether no attempt was counted anywhere, as the server was never reached."""
    return bool(re.search(_AWAY, words, re.IGNORECASE))


def _taken(who: str) -> str:
    return "port 80 is held by {}: stop that, or type 'smallmail set acme-challenge=dns' and let certbot set a DNS" \
        " record instead".format(who)


_RATE = r"rateLimited|too many (certificates|failed|new|currently|registrations)|rate limit"

_AWAY = (r"Max retries exceeded|NewConnectionError|Name or service not known|Temporary failure in name resolution|"
         r"Network is unreachable|ConnectTimeout|Requesting \S+: ")

# The first that fits. Types are those of RFC 8555, 6.7.
_SENTENCES = [
    (_RATE, "the ACME server has had too many requests and wants a pause{detail}"),
    (r"Could not bind TCP port 80|problem binding to port 80", _taken("another program")),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError", "the ACME server's own certificate is not trusted here: is this host's"
     " clock right, and ca-certificates up to date?"),
    (_AWAY, "the ACME server cannot be reached from here: is the way out to port 443 open?"),
    (r"Type: +caa|acme:error:caa", "a CAA record forbids this certificate authority to certify {host}{detail}"),
    (r"Type: +dns|acme:error:dns|could not resolve", "the ACME server does not find {host} in DNS: 'smallmail dns show'"
     " has the records to set{detail}"),
    (r"Type: +connection|acme:error:connection", "port 80 of {host} cannot be reached from outside: open it in every"
     " firewall before this host, or type 'smallmail set acme-challenge=dns'{detail}"),
    (r"Type: +unauthorized|acme:error:(unauthorized|incorrectResponse)", "something else than this host answers on"
     " port 80 of {host}: is there a proxy, or an AAAA record of another host?{detail}"),
    (r"invalidContact|unsupportedContact|invalidEmail", "acme-email: the ACME server does not take that address"
     "{detail}"),
    (r"Another instance of Certbot is already running", "another certbot is running: it is tried again soon"),
]


def _detail(words: str) -> str:
    """What the server itself said of it, without the long URL that it tried."""
    found = re.search(r"(?:Detail: |urn:ietf:params:acme:error:\w+ :: )(?:Get \S+ )?(.+)", words)
    return re.sub(r"\s+", " ", found.group(1)).strip().rstrip(".")[:300] if found else ""


def _last_line(words: str) -> str:
    boring = ("Saving debug log", "Ask for help", "See the logfile", "- - -")
    lines = [line.strip() for line in words.splitlines() if line.strip() and not line.strip().startswith(boring)]
    return lines[-1][:300] if lines else ""


def _knows_key_types(host: Host) -> bool:
    return _version(host) >= _KEY_TYPES_SINCE


def _version(host: Host) -> Tuple[int, ...]:
    return version_tuple(host.run(["certbot", "--version"]).split()[-1])
