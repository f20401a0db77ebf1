"""The file with the key for dynamic updates: what it says, and what is wrong with it, never with the secret in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.publishing import name_servers

SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE="
GOOD = f"""\
# As certbot-dns-rfc2136 has it.
dns_rfc2136_server = 192.0.2.1
dns_rfc2136_name = keyname.
dns_rfc2136_secret = {SECRET}
dns_rfc2136_algorithm = hmac-sha512
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    return Host(str(tmp_path))


def write(host: Host, text: str, mode: int = 0o600) -> None:
    path = host.path(name_servers.PATH)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, mode)


def test_certbots_own_file(host: Host) -> None:
    write(host, GOOD)
    found = name_servers.load(host)
    server = name_servers.for_zone(found, "example.org")
    assert server == ("192.0.2.1", 53, "keyname", b"secret secret secret secret!!", "hmac-sha512")


def test_a_section_is_for_one_zone(host: Host) -> None:
    write(host, GOOD + "[Example.Net.]\n" + GOOD.replace("192.0.2.1", "ns.example.net") + "dns_rfc2136_port = 5353\n")
    found = name_servers.load(host)
    assert name_servers.for_zone(found, "example.net")[:2] == ("ns.example.net", 5353)
    assert name_servers.for_zone(found, "example.org")[:2] == ("192.0.2.1", 53)
    assert name_servers.for_zone(found, "sub.example.net")[:2] == ("192.0.2.1", 53), "a zone of its own"


def test_only_sections(host: Host) -> None:
    write(host, "[example.net]\n" + GOOD)
    found = name_servers.load(host)
    assert name_servers.for_zone(found, "example.net") and not name_servers.for_zone(found, "example.org")


def test_what_certbot_takes_when_nothing_is_said(host: Host) -> None:
    write(host, GOOD.replace("dns_rfc2136_algorithm = hmac-sha512\n", ""))
    assert name_servers.for_zone(name_servers.load(host), "x").algorithm == "hmac-md5.sig-alg.reg.int"


WRONG = [
    ("", "dns_rfc2136_server is missing"),
    (SECRET.rstrip("=") + "\n", "line 1 is not of the form 'name = value'"),
    (GOOD + SECRET.rstrip("="), "line 6 is not of the form 'name = value'"),
    (GOOD.replace(SECRET, '"' + SECRET), "line 4 is not of the form 'name = value'"),
    (GOOD + f"dns_rfc2136_secret = {SECRET}\n", "line 6 repeats an earlier line"),
    (GOOD.replace(" = 192.0.2.1", "=" + ""), "dns_rfc2136_server is missing"),
    (GOOD.replace("dns_rfc2136_name", "dns_rfc2136_key"), "dns_rfc2136_name is missing"),
    (GOOD.replace("dns_rfc2136_secret", "secret"), "dns_rfc2136_secret is missing"),
    (GOOD.replace(SECRET, SECRET[:-3]), "dns_rfc2136_secret is not Base64: was it cut when it was pasted?"),
    (GOOD.replace(SECRET, SECRET.replace("I", "?")), "dns_rfc2136_secret is not Base64"),
    (GOOD.replace(SECRET, SECRET + ", " + SECRET), "dns_rfc2136_secret must be a single value"),
    (GOOD.replace("sha512", "sha3"), "dns_rfc2136_algorithm is 'hmac-sha3': it must be one of HMAC-MD5, HMAC-SHA1"),
    (GOOD + "dns_rfc2136_port = dns\n", "dns_rfc2136_port is 'dns', which is not a port"),
    (GOOD + "dns_rfc2136_port = 65536\n", "dns_rfc2136_port is '65536', which is not a port"),
    (GOOD + "[example.net]\ndns_rfc2136_server = 192.0.2.2\n", "[example.net] dns_rfc2136_name is missing"),
    ("[[example.net]]\n" + GOOD, "line 1 is not of the form 'name = value'"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_wrong(host: Host, text: str, words: str) -> None:
    write(host, text)
    with pytest.raises(Problem) as caught:
        name_servers.load(host)
    said = str(caught.value)
    assert words in said and said.startswith("/etc/smallmail/rfc2136.ini: ")
    assert SECRET[:8] not in said and "\n" not in said


def test_there_is_none(host: Host) -> None:
    with pytest.raises(Problem, match=r"/etc/smallmail/rfc2136.ini does not exist: write the name server"):
        name_servers.load(host)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_others_could_read_it(host: Host, mode: int) -> None:
    write(host, GOOD, mode)
    with pytest.raises(Problem, match=r"can be read by others: type 'chmod 600 /etc/smallmail/rfc2136.ini'"):
        name_servers.load(host)
