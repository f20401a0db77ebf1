"""DKIM keys: one a domain, in /var/lib/rspamd/dkim, readable by Rspamd alone."""
from smallmail.host import STATE, Host
from smallmail.tree import File

FOLDER = "var/lib/rspamd/dkim"
SELECTOR = "dkim"

# postrm is plain sh: it reads here which keys are ours, one path a line.
LIST = STATE + "/dkim-keys"

# RFC 8301, 3.2: signers use 2048 bits or more; longer ones do not fit every DNS host's form.
_BITS = "2048"


def key_path(domain: str) -> str:
    """Where the domain's private key is."""
    return "{}/{}.{}.key".format(FOLDER, domain, SELECTOR)


def ensure(host: Host, domain: str) -> bool:
    """Make the domain's key unless it is there; True when it was made. A key is never replaced."""
    if host.exists(key_path(domain)):
        return False
    host.directory(FOLDER, 0o750, "root", "_rspamd")
    key = host.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" + _BITS])
    host.write(key_path(domain), File(_pem(key).encode("ascii"), 0o640, "root", "_rspamd"))
    made = host.text(LIST) + "/{}\n".format(key_path(domain))
    host.write(LIST, File(made.encode("ascii"), 0o644, "root", "root"))
    return True


def record_value(host: Host, domain: str) -> str:
    """The TXT record's value (RFC 6376, 3.6.1) for the domain's key; empty when it has none yet."""
    if not host.exists(key_path(domain)):
        return ""
    said = host.run(["openssl", "pkey", "-in", host.path(key_path(domain)), "-pubout"])
    body = "".join(line for line in _pem(said).splitlines() if not line.startswith("-----"))
    return "v=DKIM1; k=rsa; p=" + body


def _pem(text: str) -> str:
    """The PEM block in what openssl said: it also prints its progress (dots and plus signs)."""
    start = text.index("-----BEGIN")
    end = text.index("-----", text.index("-----END") + 5)
    return text[start:end + 5] + "\n"
