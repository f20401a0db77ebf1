"""Make DKIM keys: private ones in the form that Rspamd reads, public ones in the form that DNS has."""
import base64
from typing import NamedTuple

from smallmail import pem
from smallmail.machine.host import Host

RSA, ED25519 = "rsa", "ed25519"
Pair = NamedTuple("Pair", [("private", str), ("public", str)])

# RFC 8301, 3.2: signers use 2048 bits or more. The web forms of some DNS hosts take no longer keys.
_GENERATE = {RSA: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ED25519: ["-algorithm", "ED25519"]}

# RFC 8410: in DER the key is the last bytes, what comes before is always the same.
_ED25519_BYTES = 32


def make(host: Host, kind: str) -> Pair:
    """Make a key pair. Returns the text of the private key's file, and the public key as p= has it."""
    private = _pem(host.run(["openssl", "genpkey"] + _GENERATE[kind]))
    public = pem.der(_pem(host.run(["openssl", "pkey", "-pubout"], private)))
    if kind == RSA:
        return Pair(private, _text(public))
    # Rspamd does not read Ed25519 keys in PEM. It reads libsodium's form (rspamadm dkim_keygen -t ed25519): the seed,
    # then the public key.
    # RFC 8463, 4.2: DNS has the 32 bytes alone.
    seed, public = pem.der(private)[-_ED25519_BYTES:], public[-_ED25519_BYTES:]
    return Pair(_text(seed + public), _text(public))


def public(host: Host, kind: str, private: str) -> str:
    """Return the public key to the text of a private key's file. Raises Problem or ValueError if it is not a key."""
    if kind == ED25519:
        return _text(base64.b64decode(private)[_ED25519_BYTES:])
    return _text(pem.der(_pem(host.run(["openssl", "pkey", "-pubout"], private))))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _pem(text: str) -> str:
    """Return the PEM block in openssl's output, which also has its progress (dots and plus signs)."""
    start = text.index("-----BEGIN")
    end = text.index("-----", text.index("-----END") + 5)
    return text[start:end + 5] + "\n"
