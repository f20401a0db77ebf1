"""DKIM's private keys in the form that Rspamd reads, and the public ones in the form that DNS has."""
import base64
from typing import NamedTuple

from smallmail.machine import pem as machine_pem
from smallmail.machine.host import Host

RSA, ED25519 = "rsa", "ed25519"
Pair = NamedTuple("Pair", [("private", str), ("public", str)])

# RFC 8301, 3.2: signers use 2048 bits or more; longer ones do not fit every DNS host's form.
_GENERATE = {RSA: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ED25519: ["-algorithm", "ED25519"]}

# RFC 8410: what stands before them in DER is always the same, the key is the end.
_ED25519_BYTES = 32


def make(host: Host, kind: str) -> Pair:
    """A new private key, as the text of its file, and the public one, as p= has it."""
    pem = _pem(host.run(["openssl", "genpkey"] + _GENERATE[kind]))
    public = machine_pem.der(_pem(host.run(["openssl", "pkey", "-pubout"], pem)))
    if kind == RSA:
        return Pair(pem, _text(public))
    # Rspamd wants libsodium's form of it (rspamadm dkim_keygen -t ed25519): seed and public key; it reads no PEM of it.
    # RFC 8463, 4.2: in DNS stand the 32 bytes alone.
    seed, public = machine_pem.der(pem)[-_ED25519_BYTES:], public[-_ED25519_BYTES:]
    return Pair(_text(seed + public), _text(public))


def public(host: Host, kind: str, private: str) -> str:
    """The public key that belongs to the text of a private key's file. Raises Problem or ValueError when it is none."""
    if kind == ED25519:
        return _text(base64.b64decode(private)[_ED25519_BYTES:])
    return _text(machine_pem.der(_pem(host.run(["openssl", "pkey", "-pubout"], private))))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _pem(text: str) -> str:
    """The PEM block in what openssl said: it also prints its progress (dots and plus signs)."""
    start = text.index("-----BEGIN")
    end = text.index("-----", text.index("-----END") + 5)
    return text[start:end + 5] + "\n"
