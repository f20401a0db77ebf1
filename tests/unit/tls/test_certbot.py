"""What certbot is told, what its words mean, and what it lacks on this host."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.machine import port_holders
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.publishing import name_servers
from smallmail.settings.fields import Settings
from smallmail.tls import certbot

PLAIN = {"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"}

# As certbot 2.1 and 4.0 print them.
FAILED = """\
Saving debug log to /var/log/letsencrypt/letsencrypt.log
Requesting a certificate for mx.example.org

Certbot failed to authenticate some domains (authenticator: standalone). \
The Certificate Authority reported these problems:
  Domain: mx.example.org
  Type:   {}
  Detail: {}

Hint: The Certificate Authority failed to download the challenge files.

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org.
"""
PEBBLE = 'Get "http://mx.example.org:80/.well-known/acme-challenge/Lg_Ndg": '
TIMEOUT = "203.0.113.10: Fetching http://mx.example.org/.well-known/acme-challenge/x: Timeout during connect"
LIMITED = ("An unexpected error occurred:\nError creating new order :: too many certificates (5) already issued for"
           " this exact set of domains in the last 168h0m0s")


@pytest.mark.parametrize("words, sentence", [
    (FAILED.format("connection", TIMEOUT), "port 80 of mx.example.org cannot be reached from outside"),
    (FAILED.format("connection", TIMEOUT), TIMEOUT),
    (FAILED.format("connection", PEBBLE + "dial tcp 203.0.113.10:80: i/o timeout"),
     "'smallmail set acme-challenge=dns' (dial tcp 203.0.113.10:80: i/o timeout)"),
    (FAILED.format("connection", PEBBLE + 'could not resolve URL "http://…"'), "does not find mx.example.org in DNS"),
    (FAILED.format("dns", "no valid A records found for mx.example.org"), "does not find mx.example.org in DNS"),
    (FAILED.format("unauthorized", "Invalid response from http://…: 404"), "something other than this host answers"),
    (FAILED.format("caa", "CAA record for example.org prevents issuance"), "a CAA record does not allow"),
    (FAILED.format("rateLimited", "too many failed authorizations (5)"), "is rate-limiting this host"),
    (LIMITED, "is rate-limiting this host"),
    ("Could not bind TCP port 80 because it is already in use by another process on this system", "port 80 is held by"),
    ("An unexpected error occurred:\nValueError: Requesting acme.example.net/dir: Connection refused",
     "cannot be reached from this host"),
    ("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='acme.example.net', port=443): Max retries exceeded"
     " with url: /directory (Caused by NewConnectionError(…))", "cannot be reached from this host"),
    ("requests.exceptions.SSLError: HTTPSConnectionPool(host='x'): Max retries exceeded (Caused by SSLError(…"
     "CERTIFICATE_VERIFY_FAILED…))", "does not trust the ACME server's own certificate"),
    ("Saving debug log to /x\nSomething unheard of.\nAsk for help or search for solutions at …",
     "certbot failed: Something unheard of."),
    ("", "certbot failed: it did not say why"),
])
def test_certbots_words_are_boiled_down(words: str, sentence: str) -> None:
    told = certbot.boiled_down(words, "mx.example.org")
    assert sentence in told
    assert "\n" not in told


@pytest.mark.parametrize("changes, said, present, absent", [
    ({}, "certbot 4.0.0", "--key-type rsa --rsa-key-size 4096", "ecdsa"),
    ({}, "certbot 0.28.0", "--rsa-key-size 4096", "--key-type"),
    ({"certificate-key": "ecdsa"}, "certbot 2.1.0", "--key-type ecdsa", "rsa"),
    ({}, "certbot 2.1.0", "--register-unsafely-without-email", "--server"),
    ({"acme-email": "admin@example.org"}, "certbot 2.1.0", "--email admin@example.org", "unsafely"),
    ({"acme-server": "https://acme.example.net/dir"}, "certbot 2.1.0", "--server https://acme.example.net/dir", "dns"),
    ({"acme-challenge": "dns"}, "certbot 2.1.0", "--dns-rfc2136-credentials /etc/smallmail/rfc2136.ini", "standalone"),
])
def test_what_certbot_is_told(tmp_path: Path, changes: dict[str, str], said: str, present: str, absent: str) -> None:
    class Old(Host):
        def run(self, command: list[str], text: str = "") -> str:
            assert command == ["certbot", "--version"]
            return said + "\n"

    words = " ".join(certbot.command(Old(str(tmp_path)), Settings({**PLAIN, **changes}), False))
    assert words.startswith("certbot certonly --non-interactive --agree-tos --cert-name mx.example.org")
    assert present in words
    assert absent not in words


def test_what_certbot_is_told_of_keys(tmp_path: Path) -> None:
    class Old(Host):
        said = ""

        def run(self, command: list[str], text: str = "") -> str:
            return f"certbot {self.said}\n"

    host = Old(str(tmp_path))
    for host.said, new_key, words in (("0.28.0", False, {"--reuse-key"}), ("1.12.0", True, set()),
                                      ("2.1.0", True, {"--reuse-key", "--new-key"}), ("5.5.0", False, {"--reuse-key"})):
        told = certbot.command(host, Settings(PLAIN), True, new_key)
        assert words == {"--reuse-key", "--new-key"} & set(told)


def test_a_challenge_by_dns_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host, settings = Host(str(tmp_path)), Settings({**PLAIN, "acme-challenge": "dns"})
    monkeypatch.setattr(certbot, "_PLUGIN", "no_such_module")
    assert "apt install python3-certbot-dns-rfc2136" in certbot.obstacle(host, settings)
    monkeypatch.setattr(certbot, "_PLUGIN", "json")
    assert "/etc/smallmail/rfc2136.ini does not exist" in certbot.obstacle(host, settings)
    host.write(name_servers.PATH, File(b"", 0o644, "root", "root"))
    assert "chmod 600" in certbot.obstacle(host, settings)
    host.write(name_servers.PATH, File(b"", 0o600, "root", "root"))
    assert certbot.obstacle(host, settings) == ""


@pytest.mark.parametrize(("renewal", "hook", "is_free"), [
    ("authenticator = standalone\n", False, False),
    ("authenticator = webroot\nwebroot_path = /var/www/html,\n", False, True),
    ("authenticator = nginx\n", False, True),
    ("authenticator = standalone\nhttp01_port = 8888\n", False, True),
    ("authenticator = standalone\nhttp01_port = 80\n", False, False),
    ("authenticator = standalone\npre_hook = systemctl stop nginx\n", False, True),
    ("authenticator = standalone\n", True, True),
    ("", False, False),
])
def test_a_web_server_on_port_80_is_no_obstacle_where_the_admin_renews_by_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renewal: str, hook: bool, is_free: bool) -> None:
    monkeypatch.setattr("smallmail.machine.port_holders.holder", lambda number: port_holders.Holder(80, "nginx", 7))
    host, settings = Host(str(tmp_path)), Settings(PLAIN)
    live = f"etc/letsencrypt/live/{settings.hostname}/fullchain.pem"
    host.write(f"etc/letsencrypt/renewal/{settings.hostname}.conf",
               File(f"version = 2.1.0\n[renewalparams]\n{renewal}".encode(), 0o644, "root", "root"))
    if hook:
        host.write("etc/letsencrypt/renewal-hooks/pre/stop", File(b"", 0o755, "root", "root"))
    assert "port 80 is held by nginx" in certbot.obstacle_to_renewal(host, settings), "there is nothing to renew"
    host.write(live, File(b"x", 0o644, "root", "root"))
    assert (certbot.obstacle_to_renewal(host, settings) == "") == is_free
    assert "port 80 is held by nginx" in certbot.obstacle(host, settings)
