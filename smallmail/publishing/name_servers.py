"""Read which name servers take dynamic updates from this host, and the keys that sign them (RFC 2136, RFC 8945).

The file has the form of certbot-dns-rfc2136, which reads the lines above the first section: one file is for both. A
section [example.net] names the server of that zone alone.
"""
import base64
import binascii
from typing import Any, Dict, NamedTuple, Optional

from smallmail.errors import Problem
from smallmail.machine.host import Host

PATH = "etc/smallmail/rfc2136.ini"

NameServer = NamedTuple("NameServer", [
    ("server", str),        # its address, or a name
    ("port", int),
    ("key", str),           # the name of the key, without a dot at its end
    ("secret", bytes),
    ("algorithm", str),     # "hmac-sha256", as DNS names it
])
_ALL_OTHERS = ""            # the lines above the first section

# The algorithms of certbot-dns-rfc2136, and its default.
_ALGORITHMS = {"HMAC-MD5": "hmac-md5.sig-alg.reg.int", "HMAC-SHA1": "hmac-sha1", "HMAC-SHA224": "hmac-sha224",
               "HMAC-SHA256": "hmac-sha256", "HMAC-SHA384": "hmac-sha384", "HMAC-SHA512": "hmac-sha512"}
_DEFAULT = "HMAC-MD5"


def obstacle(host: Host) -> str:
    """Return why the file cannot be used, as the rest of a sentence; "" if it exists and only root can read it."""
    file = host.file(PATH)
    if file is None:
        return "/{} does not exist: write the name server and its TSIG key into it, as for certbot-dns-rfc2136".format(
            PATH)
    if file.mode & 0o077:
        return "/{} holds a key and can be read by others: type 'chmod 600 /{}'".format(PATH, PATH)
    return ""


def load(host: Host) -> Dict[str, NameServer]:
    """Load the name servers, by zone; for_zone() chooses. Raises Problem if the file is missing or has a mistake."""
    trouble = obstacle(host)
    if trouble:
        raise Problem(trouble)
    config = _parsed(host.text(PATH))
    found = {zone.lower().rstrip("."): _name_server(config[zone], "[{}] ".format(zone)) for zone in config.sections}
    if config.scalars or not found:
        found[_ALL_OTHERS] = _name_server(config, "")
    return found


def _parsed(text: str) -> Any:
    # Few verbs publish: the others need not wait until configobj is loaded.
    from configobj import ConfigObj, ConfigObjError, DuplicateError  # noqa: PLC0415

    try:
        return ConfigObj(text.splitlines(), interpolation=False)
    except ConfigObjError as error:
        # configobj's message has the line in it, which may be the one with the secret.
        first = (getattr(error, "errors", None) or [error])[0]
        raise Problem("/{}: line {} {}".format(PATH, first.line_number, "repeats an earlier line" if isinstance(
            first, DuplicateError) else "is not of the form 'name = value'"))


def for_zone(servers: Dict[str, NameServer], zone: str) -> Optional[NameServer]:
    """Return the server that takes updates of that zone; None if there is none."""
    return servers.get(zone) or servers.get(_ALL_OTHERS)


def _name_server(values: Any, where: str) -> NameServer:
    server, name, secret = (_value(values, where, key) for key in ("server", "name", "secret"))
    port = _value(values, where, "port", "53")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise Problem("/{}: {}dns_rfc2136_port is '{}', which is not a port".format(PATH, where, port))
    algorithm = _value(values, where, "algorithm", _DEFAULT)
    if algorithm.upper() not in _ALGORITHMS:
        raise Problem("/{}: {}dns_rfc2136_algorithm is '{}': it must be one of {}".format(
            PATH, where, algorithm, ", ".join(sorted(_ALGORITHMS))))
    return NameServer(server, int(port), name.rstrip("."), _decoded(secret, where), _ALGORITHMS[algorithm.upper()])


def _value(values: Any, where: str, key: str, default: str = "") -> str:
    found = values.get("dns_rfc2136_" + key, "") or default
    if not isinstance(found, str) or not found:
        raise Problem("/{}: {}dns_rfc2136_{} {}".format(
            PATH, where, key, "is missing" if not found else "must be a single value"))
    return found


def _decoded(secret: str, where: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise Problem("/{}: {}dns_rfc2136_secret is not Base64: was it cut when it was pasted?".format(PATH, where))
