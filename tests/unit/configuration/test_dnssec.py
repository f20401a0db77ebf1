"""Which resolver counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.configuration import dnssec
from smallmail.machine.host import Host


def host(root: Path, own: str, copy: str | None = None) -> Host:
    for path, text in (("etc/resolv.conf", own), ("var/spool/postfix/etc/resolv.conf", copy)):
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "ascii")
    return Host(str(root))


@pytest.mark.parametrize(("own", "copy", "servers"), [
    ("# by hand\nsearch example.org\nnameserver 127.0.0.1\noptions trust-ad\n", None, ["127.0.0.1"]),
    ("nameserver 127.0.0.1\nnameserver ::1\n", "nameserver 192.0.2.53\n", ["127.0.0.1", "192.0.2.53", "::1"]),
    ("nameserver fe80::1%eth0\n", None, ["fe80::1"]),
    ("options edns0\n", "", ["127.0.0.1"]),
])
def test_nameservers(tmp_path: Path, own: str, copy: str | None, servers: list[str]) -> None:
    assert dnssec.nameservers(host(tmp_path, own, copy)) == servers


@pytest.mark.parametrize("own", ["nameserver 192.0.2.53\n", "nameserver 127.0.0.1\nnameserver 192.0.2.53\n",
                                 "nameserver what\n"])
def test_one_elsewhere_is_not_even_asked(tmp_path: Path, own: str) -> None:
    assert dnssec.validates(host(tmp_path, own)) is False
