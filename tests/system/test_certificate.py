"""The certificate from an ACME server: had by itself once the name is in DNS, served at once after each renewal, and
whatever is in the way is told in plain words. And the admin's own certificate, renewed by his own tool."""
import hashlib
import json
import smtplib
import socket
import ssl
import subprocess

import pytest

from tests.lab import inside, packages, roots
from tests.lab.acme import URL, Acme
from tests.lab.network import GATEWAY
from tests.system.mailhost import PASSWORD

NAME, ADDRESS = "cert.example.com", "203.0.113.44"
ANSWERS = {"hostname": NAME, "domain": "example.com", "address": "alice@example.com", "password": PASSWORD,
           "password-again": PASSWORD, "certificate": "letsencrypt", "acme-email": "", "resolver": "system"}
PORTS = (25, 465, 993)
ATTEMPTS = "grep -h 'certbot version' /var/log/letsencrypt/*.log* 2>/dev/null | wc -l"
RFC2136 = ("dns_rfc2136_server = {}\ndns_rfc2136_name = {}.\ndns_rfc2136_secret = {}\n"
           "dns_rfc2136_algorithm = HMAC-SHA256\n")
# What a certificate of the admin's own comes from.
OWN = ("mkdir -p /root/own && cd /root/own && openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=own{0}"
       " -addext subjectAltName=DNS:" + NAME + " -days 300 -keyout key{0}.pem -out cert{0}.pem 2>/dev/null")


class Certified:
    """A machine that wants its certificate from the world's certificate authority, installed before its name is
    anywhere."""

    def __init__(self, suite, deb, world, authority):
        self.world, self.suite = world, suite
        world.dns.remove(NAME, "A")
        world.dns.remove(NAME, "AAAA")
        self.machine = world.machine(roots.warm(suite, deb), NAME, ADDRESS)
        self.machine.write("/usr/local/share/ca-certificates/lab.crt", authority.trusted)
        packages.offer(self.machine, deb)
        packages.preseed(self.machine, deb, ANSWERS)
        self.said = packages.install(self.machine, "smallmail-server")
        self.machine.run("update-ca-certificates")
        for port in PORTS:
            self.machine.wait_port(port)
        self.machine.run("smallmail set acme-server=" + URL)

    def look(self):
        """What the timer does every few minutes."""
        self.machine.run("systemctl start smallmail-certificate.service")

    def publish(self):
        self.world.dns.set("example.com", self.machine.run("smallmail dns show").stdout)

    def status(self):
        """What `smallmail certificate status` says, as data, and its exit code."""
        done = self.machine.run("smallmail certificate status --json", check=False)
        return json.loads(done.stdout), done.returncode

    def served(self):
        """The certificates that a client on the network is shown on each port, as a set: one, when all is well."""
        with inside(self.world.client.namespace):
            return {_shown(port) for port in PORTS}

    def attempts(self):
        return int(self.machine.run(ATTEMPTS).stdout)

    def pids(self):
        return self.machine.run("cat /run/dovecot/master.pid /var/spool/postfix/pid/master.pid").stdout


def _shown(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if port == 25:
        with smtplib.SMTP(ADDRESS, 25, local_hostname="client.example.net", timeout=30) as connection:
            connection.starttls(context=context)
            return connection.sock.getpeercert(True)
    with socket.create_connection((ADDRESS, port), 30) as plain, \
            context.wrap_socket(plain, server_hostname=NAME) as connection:
        return connection.getpeercert(True)


def _said_of(der, *questions):
    return subprocess.run(["openssl", "x509", "-noout", "-inform", "DER", *questions], input=der, capture_output=True,
                          check=True).stdout.decode()


@pytest.fixture(scope="module")
def authority(world):
    with Acme(world) as acme:
        yield acme


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def host(request, deb, world, authority):
    if reason := roots.available(request.param):
        pytest.skip(reason)
    certified = Certified(request.param, deb, world, authority)
    with certified.machine:
        yield certified


def test_it_waits_for_its_name(host):
    assert "self-signed until Let's Encrypt gives one" in host.said
    assert host.machine.run("systemctl is-active smallmail-certificate.timer").stdout == "active\n"
    host.look()
    status, code = host.status()
    assert "the servers of the zone of cert.example.com know no address of it yet" in status["reason"]
    assert (status["issuer"], status["next attempt"], code) == ("this host itself", "within minutes", 0)
    assert set(status["served"].values()) == {True}
    assert host.attempts() == 0


def test_a_name_that_leads_elsewhere_is_told(host):
    host.world.dns.set("example.com", f"{NAME}. A 203.0.113.99\n")
    host.look()
    assert "cert.example.com is 203.0.113.99 in DNS, which is not an address of this host" in host.status()[0]["reason"]
    assert host.attempts() == 0


def test_once_the_name_is_in_dns_the_certificate_is_served(host, record):
    before = host.pids()
    host.publish()
    host.look()
    status, code = host.status()
    assert (status["reason"], status["problems"], code) == ("", [], 0)
    assert "Pebble" in status["issuer"]
    assert (status["names"], status["key"]) == ([NAME], "RSA 4096")
    assert status["served"] == {"25": True, "465": True, "993": True}
    shown, = host.served()
    assert "Pebble" in _said_of(shown, "-issuer")
    assert host.pids() == before, "a reload, not a restart"
    assert host.machine.run("smallmail plan").stdout == "Nothing to do.\n"
    host.look()
    assert host.attempts() == 1


def test_a_renewed_one_is_served(host):
    before, pids = host.served(), host.pids()
    host.machine.run("certbot renew --force-renewal --no-random-sleep-on-renew")
    after, = host.served()
    assert {after} != before
    assert _said_of(after, "-pubkey") != _said_of(*before, "-pubkey"), "a new key"
    assert host.pids() == pids
    assert host.status()[0]["reason"] == ""


def test_who_holds_port_80_is_named(host):
    host.machine.run("systemd-run -q --unit=web python3 -m http.server 80")
    host.machine.wait_port(80)
    attempts = host.attempts()
    said = host.machine.run("smallmail set certificate-key=ecdsa").stdout
    assert "A certificate is asked for within minutes" in said and "Nothing to do" not in said
    host.look()
    assert "port 80 is held by python3" in host.status()[0]["reason"]
    assert "smallmail set acme-challenge=dns" in host.status()[0]["reason"]
    assert host.attempts() == attempts
    host.machine.run("systemctl stop web")


def test_after_a_refusal_it_waits_and_says_why(host):
    attempts, before = host.attempts(), host.served()
    for family in ("-4", "-6"):     # as a firewall that lets nobody see port 80
        host.machine.run(f"ip {family} rule add ipproto tcp sport 80 blackhole")
    host.look()
    status, _ = host.status()
    assert "port 80 of cert.example.com cannot be reached from outside" in status["reason"]
    assert status["next attempt"] != "within minutes"
    host.look()
    assert host.attempts() == attempts + 1, "one attempt, then a pause"
    assert host.status()[0]["reason"] == status["reason"]
    assert host.served() == before
    for family in ("-4", "-6"):
        host.machine.run(f"ip {family} rule del ipproto tcp sport 80 blackhole")
    said = host.machine.run("smallmail certificate obtain").stdout
    assert "cert.example.com is served, valid until" in said
    assert host.status()[0]["key"] == "ECDSA P-256"
    shown, = host.served()
    assert "id-ecPublicKey" in _said_of(shown, "-text")


def test_the_challenge_by_dns_says_what_it_needs(host):
    done = host.machine.run("smallmail set acme-challenge=dns && smallmail certificate obtain", check=False)
    assert "type 'apt install python3-certbot-dns-rfc2136'" in done.stderr
    host.machine.run("smallmail set acme-challenge=http")


@pytest.mark.slow   # certbot waits a minute for the record to be everywhere
def test_the_challenge_by_dns(host, world, deb, record):
    packages.offer(host.machine, deb, *roots.fetched(host.suite, "python3-certbot-dns-rfc2136"))
    packages.install(host.machine, "python3-certbot-dns-rfc2136")
    host.machine.run("smallmail set acme-challenge=dns")
    host.machine.write("/etc/smallmail/rfc2136.ini", RFC2136.format(GATEWAY, *world.dns.key[::2]), 0o600)
    before = host.served()
    seconds, _ = host.timed(host.look)
    status, code = host.status()
    assert (status["reason"], code) == ("", 0)
    assert host.served() != before
    record("had and served after {:.0f} s".format(seconds))
    host.machine.run("smallmail set acme-challenge=http")


def test_an_own_certificate_is_followed(host):
    host.machine.run("; ".join(OWN.format(number) for number in (1, 2)))
    host.machine.run("cd /root/own && ln -s cert1.pem cert.pem && ln -s key1.pem key.pem && smallmail set"
                     " certificate=files certificate-file=/root/own/cert.pem key-file=/root/own/key.pem")
    assert not host.machine.run("ls /etc/letsencrypt/renewal-hooks/deploy").stdout, "our hook is another source's"
    host.look()
    first = host.served()
    host.machine.run("ln -sf cert2.pem /root/own/cert.pem")
    host.look()
    assert "do not belong together" in host.status()[0]["reason"]
    assert host.served() == first
    host.machine.run("ln -sf key2.pem /root/own/key.pem")
    host.look()
    second, = host.served()
    wanted = host.machine.run("openssl x509 -noout -fingerprint -sha256 -in /root/own/cert2.pem").stdout
    assert hashlib.sha256(second).hexdigest() == wanted.strip().partition("=")[2].replace(":", "").lower()
    assert host.status()[0]["reason"] == ""


def test_status_names_a_certificate_that_is_about_to_expire(host):
    host.machine.run("cd /root/own && openssl x509 -in cert2.pem -signkey key2.pem -days 5 -out short.pem &&"
                     " mv short.pem cert2.pem")
    done = host.machine.run("smallmail certificate status", check=False)
    assert done.returncode == 1
    assert "Problem: the certificate expires on 20" in done.stdout
    assert "Problem: another certificate is served on port 25 and 465 and 993" in done.stdout
    assert "Problem: the certificate expires on 20" in host.machine.run("smallmail status", check=False).stdout
