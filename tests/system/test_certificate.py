"""The certificate from an ACME server: had by itself once the name is in DNS, served at once after each renewal, and
whatever is in the way is told in plain words. And the admin's own certificate, renewed by his own tool."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import World, packages, roots
from tests.lab.acme import Acme
from tests.support.certificate_host import NAME, CertificateHost, openssl_x509
from tests.support.fixtures import Record

# What a certificate of the admin's own comes from.
OWN = ("mkdir -p /root/own; cd /root/own; for number in 1 2; do openssl req -x509 -newkey rsa:2048 -noenc"
       f" -subj /CN=own$number -addext subjectAltName=DNS:{NAME} -days 300 -keyout key$number.pem -out cert$number.pem"
       " 2>/dev/null || exit 1; done")


pytestmark = pytest.mark.slow   # of what is quick, test_story.py and test_dane.py see the most


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def host(request: pytest.FixtureRequest, deb: Path, world: World, authority: Acme) -> Iterator[CertificateHost]:
    if reason := roots.available(request.param):
        pytest.skip(reason)
    with CertificateHost(request.param, deb, world, authority) as certified:
        yield certified


def test_it_waits_for_its_name(host: CertificateHost) -> None:
    assert "For now the certificate is self-signed" in host.said
    assert host.machine.run("systemctl is-active smallmail-certificate.timer").stdout == "active\n"
    host.run_timer()
    status, code = host.status()
    assert "the name servers of cert.example.com do not have an address for it yet" in status["reason"]
    assert (status["issuer"], status["next_attempt"], code) == ("this host itself", "within minutes", 0)
    assert set(status["served"].values()) == {True}
    assert host.attempts() == 0
    done = host.machine.run("smallmail check tls", check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("Problem: the certificate is self-signed: there is none from Let's Encrypt yet\n")
    assert "do not have an address for it yet" in done.stdout


def test_a_name_that_leads_elsewhere_is_told(host: CertificateHost) -> None:
    host.world.dns.set("example.com", f"{NAME}. A 203.0.113.99\n")
    host.run_timer()
    assert "cert.example.com is 203.0.113.99 in DNS, which is not an address of this host" in host.status()[0]["reason"]
    assert host.attempts() == 0


def test_once_the_name_is_in_dns_the_certificate_is_served(host: CertificateHost, record: Record) -> None:
    before = host.pids()
    host.publish()
    host.run_timer()
    status, code = host.status()
    assert (status["reason"], status["problems"], code) == ("", [], 0)
    assert host.machine.run("smallmail check tls").stdout == "No problem found.\n"
    assert "Pebble" in status["issuer"]
    assert (status["names"], status["key"]) == ([NAME], "RSA 4096")
    assert status["served"] == {"25": True, "465": True, "993": True}
    shown, = host.served()
    assert "Pebble" in openssl_x509(shown, "-issuer")
    assert host.pids() == before, "a reload, not a restart"
    assert host.machine.run("smallmail plan").stdout == "Nothing to do.\n"
    host.run_timer()
    assert host.attempts() == 1


def test_a_renewed_one_is_served(host: CertificateHost) -> None:
    before, pids = host.served(), host.pids()
    host.machine.run("certbot renew --force-renewal --no-random-sleep-on-renew")
    after, = host.served()
    assert {after} != before
    former, = before
    assert openssl_x509(after, "-pubkey") == openssl_x509(former, "-pubkey"), \
        "the key stays, and with it a TLSA record"
    assert host.pids() == pids
    assert host.status()[0]["reason"] == ""


def test_another_hostname_keeps_the_certificate_until_its_own_comes(host: CertificateHost) -> None:
    before = host.served()
    done = host.machine.run("smallmail set hostname=cert2.example.com </dev/null")
    assert "The present certificate stays in use" in done.stderr and "cert2.example.com" in done.stderr
    host.run_timer()
    assert host.served() == before
    status = " ".join(host.machine.run("smallmail status", check=False).stdout.split())
    assert "; no Let's Encrypt certificate for cert2.example.com yet" in status
    found = host.machine.run("smallmail check tls", check=False).stdout
    assert "the certificate is not for cert2.example.com" in found
    host.machine.run(f"smallmail set hostname={NAME} </dev/null")
    host.run_timer()
    assert (host.served(), host.status()[0]["reason"]) == (before, "")


def test_who_holds_port_80_is_named(host: CertificateHost) -> None:
    host.machine.run("systemd-run -q --unit=web python3 -m http.server 80")
    host.machine.wait_port(80)
    assert "port 80 is not free for Let's Encrypt" in host.machine.run("smallmail check ports", check=False).stdout
    attempts = host.attempts()
    said = host.machine.run("smallmail set certificate-key=ecdsa").stdout
    assert "A certificate will be requested within minutes" in said and "Nothing to do" not in said
    host.run_timer()
    assert "port 80 is held by python3" in host.status()[0]["reason"]
    assert "smallmail set acme-challenge=dns" in host.status()[0]["reason"]
    assert host.attempts() == attempts
    host.machine.run("systemctl stop web")


def test_after_a_refusal_it_waits_and_says_why(host: CertificateHost) -> None:
    attempts, before = host.attempts(), host.served()
    for family in ("-4", "-6"):     # as a firewall that lets nobody see port 80
        host.machine.run(f"ip {family} rule add ipproto tcp sport 80 blackhole")
    host.run_timer()
    status, _ = host.status()
    assert "port 80 of cert.example.com cannot be reached from outside" in status["reason"]
    assert status["next_attempt"] != "within minutes"
    host.run_timer()
    assert host.attempts() == attempts + 1, "one attempt, then a pause"
    assert host.status()[0]["reason"] == status["reason"]
    assert host.served() == before
    for family in ("-4", "-6"):
        host.machine.run(f"ip {family} rule del ipproto tcp sport 80 blackhole")
    said = host.machine.run("smallmail certificate obtain").stdout
    assert "cert.example.com is served, valid until" in said
    assert host.status()[0]["key"] == "ECDSA P-256"
    shown, = host.served()
    assert "id-ecPublicKey" in openssl_x509(shown, "-text")


def test_the_challenge_by_dns_says_what_it_needs(host: CertificateHost) -> None:
    done = host.machine.run("smallmail set acme-challenge=dns && smallmail certificate obtain", check=False)
    assert "type 'apt install python3-certbot-dns-rfc2136'" in done.stderr
    host.machine.run("smallmail set acme-challenge=http")


@pytest.mark.slow   # certbot waits a minute for the record to be everywhere
def test_the_challenge_by_dns(host: CertificateHost, deb: Path, record: Record) -> None:
    packages.offer(host.machine, deb, *roots.fetched(host.suite, "python3-certbot-dns-rfc2136"))
    packages.install(host.machine, "python3-certbot-dns-rfc2136")
    host.machine.run("smallmail set acme-challenge=dns")
    host.allow_updates()
    before = host.served()
    started = time.monotonic()
    host.run_timer()
    seconds = time.monotonic() - started
    status, code = host.status()
    assert (status["reason"], code) == ("", 0)
    assert host.served() != before
    record(f"had and served after {seconds:.0f} s")
    host.machine.run("smallmail set acme-challenge=http")


def test_an_own_certificate_is_followed(host: CertificateHost) -> None:
    host.machine.run(OWN)
    host.machine.run("cd /root/own && ln -s cert1.pem cert.pem && ln -s key1.pem key.pem && smallmail set"
                     " certificate=files certificate-file=/root/own/cert.pem key-file=/root/own/key.pem")
    assert not host.machine.run("ls /etc/letsencrypt/renewal-hooks/deploy").stdout, "our hook is another source's"
    host.run_timer()
    first = host.served()
    host.machine.run("ln -sf cert2.pem /root/own/cert.pem")
    host.run_timer()
    assert "do not belong together" in host.status()[0]["reason"]
    assert host.served() == first
    host.machine.run("ln -sf key2.pem /root/own/key.pem")
    host.run_timer()
    second, = host.served()
    wanted = host.machine.run("openssl x509 -noout -fingerprint -sha256 -in /root/own/cert2.pem").stdout
    assert hashlib.sha256(second).hexdigest() == wanted.strip().partition("=")[2].replace(":", "").lower()
    assert host.status()[0]["reason"] == ""


def test_status_names_a_certificate_that_is_about_to_expire(host: CertificateHost) -> None:
    host.machine.run("cd /root/own && openssl x509 -in cert2.pem -signkey key2.pem -days 5 -out short.pem &&"
                     " mv short.pem cert2.pem")
    host.run_timer()
    done = host.machine.run("smallmail certificate status", check=False)
    assert done.returncode == 1
    assert "Problem: the certificate expires on 20" in done.stdout
    assert "Problem: the certificate expires on 20" in host.machine.run("smallmail status", check=False).stdout
