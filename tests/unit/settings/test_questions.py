"""What debconf's questions suggest, from what the host says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.settings import questions


@pytest.mark.parametrize(
    ("hostname", "hosts", "name"),
    [
        ("mail.example.org\n", "", "mail.example.org"),
        ("mail\n", "127.0.1.1 mail.example.org mail\n", "mail.example.org"),
        ("mail\n", "192.0.2.2\tMX.example.org mail # mine\n", "mx.example.org"),
        ("mail\n", "# 192.0.2.2 mx.example.org mail\n", ""),
        ("vm\n", "127.0.0.1 localhost vm\n", ""),
        ("vm\n", "127.0.0.1 vm.localdomain vm\n", ""),
        ("", "", ""),
    ],
)
def test_the_hosts_own_name(tmp_path: Path, hostname: str, hosts: str, name: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text(hostname)
    (tmp_path / "etc/hosts").write_text(hosts)
    assert questions.own_name(str(tmp_path)) == name
