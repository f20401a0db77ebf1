"""The verbs on DNS, on a host that is a folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from smallmail.accounts import database
from smallmail.commands import dns
from smallmail.commands.arguments import parser
from smallmail.errors import WrongUsage
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings import fields
from smallmail.tls import certificate


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path))
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / fields.PATH).write_text(
        "hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n")
    (tmp_path / state.FOLDER).mkdir(parents=True)
    with database.open_accounts(made) as accounts:
        accounts.add_domain("example.org", "alice@example.org")
    return made


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"plain": False, "names": [], **given})


def test_show(host: Host) -> None:
    text, data, code = dns.show(host, options())
    assert code == 0
    assert '_smtp._tls.example.org. 3600 IN TXT "v=TLSRPTv1; rua=mailto:postmaster@example.org"' in text
    assert 'mx.example.org. 3600 IN CAA 0 issue "letsencrypt.org"' in text
    assert "MTA-STS" in text.splitlines()[-1]
    assert all(line.startswith(";") or " IN " in line for line in text.splitlines())
    mx = next(record for record in json.loads(json.dumps(data)) if record["type"] == "MX")
    assert mx["value"] == "10 mx.example.org."
    assert mx["plain"] == {"zone": "example.org", "name": "@", "type": "MX", "priority": "10",
                           "value": "mx.example.org"}


def test_show_plain(host: Host) -> None:
    text, _, _ = dns.show(host, options(plain=True))
    assert ("name:     _imaps._tcp\ntype:     SRV\npriority: 0\nweight:   1\nport:     993\n"
            "value:    mx.example.org\n") in text


def test_a_domain_of_somebody_else_is_not_checked(host: Host) -> None:
    with pytest.raises(WrongUsage, match=r"example\.net is not a mail domain of this host"):
        dns.check(host, options(names=["example.net"]))


@pytest.mark.parametrize("verb", ["dns check", "dns publish", "dkim rotate"])
def test_each_verb_tells_of_a_domain_that_is_not_of_this_host(host: Host, verb: str) -> None:
    given = parser.parse([*verb.split(), "example.net"])
    assert given is not None
    with pytest.raises(WrongUsage) as refused:
        parser.run(host, given)
    assert str(refused.value) == "example.net is not a mail domain of this host: 'smallmail domain list' lists them"


def test_what_is_served(host: Host) -> None:
    host.directory(state.TLS)
    assert certificate.chain(host) == []
    host.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mx.example.org", "-keyout",
              host.path("key.pem"), "-out", host.path("cert.pem")])
    host.directory(state.TLS + "/own")
    Path(host.path(state.TLS + "/own/fullchain.pem")).write_text(host.text("cert.pem") * 2)
    host.point(state.CURRENT, "own")
    served = certificate.chain(host)
    assert len(served) == 2 and served[0] == served[1]
    assert served[0][1] in served[0][0] and served[0][1][:1] == b"\x30"     # the key is a part of the certificate
