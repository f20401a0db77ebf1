"""What is read of a certificate, and when it is a problem. openssl makes the certificates."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, served

NAME = "mx.example.org"
DAY = 86400.0


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with the certificate that smallmail makes itself."""
    made = Host(str(tmp_path))
    made.directory("var/lib/smallmail")
    certificate.ensure(made, Settings({"hostname": NAME, "domain": "example.org", "address": "alice@example.org",
                                       "certificate": "self-signed"}))
    return made


def test_what_is_read_of_our_own(host: Host) -> None:
    found = served.on_disk(host)
    path = host.path(state.CURRENT + "/fullchain.pem")
    said = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", path], check=True,
                          stdout=subprocess.PIPE, encoding="ascii").stdout
    assert found.fingerprint == said.strip().partition("=")[2].replace(":", "").lower()
    assert (found.issuer, found.names, found.key) == (f"CN={NAME}", [NAME], "ECDSA P-256")
    assert abs(found.until - time.time() - 3650 * DAY) < 2 * DAY


def test_an_rsa_key_is_told(host: Host) -> None:
    folder = host.path(state.CURRENT)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=Some/CN=own",
                    "-addext", f"subjectAltName=DNS:{NAME},DNS:mail.example.org", "-days", "20",
                    "-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"], check=True,
                   stderr=subprocess.DEVNULL)
    found = served.on_disk(host)
    assert (found.issuer, found.names, found.key) == ("CN=own,O=Some", [NAME, "mail.example.org"], "RSA 2048")


def test_problems_are_named(host: Host) -> None:
    found = served.on_disk(host)
    right = dict.fromkeys((25, 465, 993), found.fingerprint)
    assert served.problems(found, right, found.until - 15 * DAY) == []
    finding, = served.problems(found, right, found.until - 13.5 * DAY)
    assert "expires on " + time.strftime("%Y-%m-%d", time.gmtime(found.until)) in finding.what
    finding, = served.problems(found, right, found.until + 1)
    assert "has expired" in finding.what
    silent, other = served.problems(found, {25: "other", 465: "other", 993: ""}, time.time())
    assert "no certificate is shown on port 993" in silent.what
    assert "another certificate is shown on port 25 and 465" in other.what
    assert served.problems(found, {}, time.time()) == [], "where nothing may run"


def test_a_file_that_is_no_certificate(host: Host) -> None:
    Path(host.path(state.CURRENT + "/fullchain.pem")).write_text("what?\n", "ascii")
    with pytest.raises(Problem, match="cannot be read"):
        served.on_disk(host)
    assert served.fingerprint(host) == ""
