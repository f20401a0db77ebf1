"""A host whose admin has two certificates of his own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate

NAME = "mx.example.org"
SETTINGS = Settings({"hostname": NAME, "domain": "example.org", "address": "alice@example.org", "certificate": "files",
                     "certificate-file": "/own/cert.pem", "key-file": "/own/key.pem"})  # fmt: skip


@pytest.fixture
def host_with_two(tmp_path: Path) -> Host:
    """A host whose admin has two certificates; the first is served."""
    made = Host(str(tmp_path))
    made.directory("var/lib/smallmail")
    made.directory("own")
    for number in "12":
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=own", "-days", "20", "-keyout", made.path(f"own/key{number}.pem"),
                        "-out", made.path(f"own/cert{number}.pem")], check=True, stderr=subprocess.DEVNULL)
    choose(made, "1")
    certificate.ensure(made, SETTINGS)
    return made


def choose(host: Host, number: str) -> None:
    """Let the admin's files be those of the first or the second certificate."""
    for name in ("cert", "key"):
        host.point(f"own/{name}.pem", f"{name}{number}.pem")
