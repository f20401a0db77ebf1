"""What is signed or encrypted inside: PGP and S/MIME, which a changed byte breaks."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from .letter import GOOD_DAY, TEXT, UTF8, Letter, compose, lines, noise, words
from .nesting import base64_lines, mixed, part

PGP = lines(
    b"-----BEGIN PGP SIGNATURE-----",
    b"",
    *[base64.b64encode(noise(48, number)) for number in range(7)],
    b"=Xk3A",
    b"-----END PGP SIGNATURE-----",
)
UMLAUTS = "Grüße, und eine Zeile, die endet mit einem Leerzeichen \r\n.\r\nFrom hier an\r\n".encode()


def letters() -> Iterator[Letter]:
    """Make the letters that are signed or encrypted inside."""

    def signed(text: bytes, kind: str, encoding: str) -> list[bytes]:
        return [part(text, kind, encoding), part(PGP, 'application/pgp-signature; name="signature.asc"')]

    pgp = 'multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"'
    yield mixed("pgp-7bit", "PGP/MIME", signed(GOOD_DAY, TEXT, ""), pgp)
    yield mixed("pgp-8bit", "PGP/MIME whose signed part has raw bytes", signed(UMLAUTS, UTF8, "8bit"), pgp)
    yield mixed(
        "pgp-qp", "PGP/MIME in quoted-printable", signed(b"Gr=C3=BC=C3=9Fe =\r\n \r\n", UTF8, "quoted-printable"), pgp
    )
    yield mixed("pgp-long", "PGP/MIME with a line of 3,000 bytes", signed(words(3000), TEXT, ""), pgp)
    yield mixed(
        "pgp-encrypted",
        "PGP/MIME, encrypted",
        [part(lines(b"Version: 1"), "application/pgp-encrypted"), part(PGP, "application/octet-stream")],
        'multipart/encrypted; protocol="application/pgp-encrypted"',
    )
    yield compose(
        "pgp-inline",
        "a clear-signed text",
        lines(b"-----BEGIN PGP SIGNED MESSAGE-----", b"Hash: SHA512", b"", "- --Grüße".encode(), b"trailing  ") + PGP,
        kind=UTF8,
        encoding="8bit",
    )
    smime = [
        part(UMLAUTS, UTF8, "8bit"),
        part(base64_lines(noise(1800, 7)), "application/pkcs7-signature; name=smime.p7s", "base64"),
    ]
    yield mixed(
        "smime-8bit",
        "S/MIME, clear-signed, with raw bytes",
        smime,
        'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256',
        preamble=lines(b"This is an S/MIME signed message", b""),
    )
    yield compose(
        "smime-opaque",
        "S/MIME, signed and wrapped",
        base64_lines(noise(3000, 8)),
        kind="application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        encoding="base64",
    )
