"""DANE, with a signed zone and servers that validate: no renewal and no other key leaves a moment in which the
certificate that is served has no TLSA record, whoever renews it and whoever sets the records. And outgoing mail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import World, packages, roots
from tests.lab.acme import Acme
from tests.lab.dns import RESOLVER
from tests.lab.errors import until
from tests.lab.installed import installed
from tests.support.certificate_host import ADDRESS, ANSWERS, NAME
from tests.support.dane_host import BOB, RECORD, THEIRS, DaneHost, DaneProbe
from tests.support.fixtures import Record

CURRENT = "/var/lib/smallmail/tls/current"
RENEW = "certbot renew --force-renewal --no-random-sleep-on-renew"


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def host(request: pytest.FixtureRequest, deb: Path, world: World, authority: Acme) -> Iterator[DaneHost]:
    if reason := roots.available(request.param):
        pytest.skip(reason)
    with DaneHost(request.param, deb, world, authority, installed(request.param, deb, ANSWERS)) as certified:
        world.dns.remove(RECORD, "TLSA")
        world.dns.remove(THEIRS, "TLSA")
        world.dns.set_reverse(ADDRESS, NAME)
        world.foreign.forget()
        certified.machine.run("smallmail set certificate-key=ecdsa")
        certified.allow_updates()
        yield certified


@pytest.fixture(scope="module")
def dane_probe(host: DaneHost, world: World) -> Iterator[DaneProbe]:
    """They begin when the first record is there."""
    made = DaneProbe(world, host.machine)
    yield made
    if made.is_alive():
        made.end()


def test_the_record_is_published_for_a_key_that_stays(host: DaneHost, dane_probe: DaneProbe) -> None:
    host.machine.run("smallmail dns publish --yes")
    assert host.tlsa() == [], "no record of a key that is only there until the certificate is had"
    host.run_timer()
    assert host.status()[0]["issuer"].startswith("CN=Pebble")
    host.machine.run("smallmail dns publish --yes")
    value, = host.tlsa()
    assert f"{RECORD}. 3600 IN TLSA {value}\n" in host.machine.run("smallmail dns show").stdout
    assert "TLSA" not in host.machine.run("smallmail dns check").stdout
    host.set_tlsa()
    # What is remembered of the hour that the record could be kept before: an hour has gone by.
    host.machine.run("rm /var/lib/smallmail/tls/tlsa.json")
    host.run_timer()
    assert "Verified TLS connection established" in dane_probe.connect()
    dane_probe.start()


def test_a_renewal_keeps_the_key(host: DaneHost) -> None:
    certificate, key = host.served(), host.key()
    host.machine.run(RENEW)
    assert host.served() != certificate
    assert host.key() == key
    assert host.status()[0]["next_certificate"] == ""


def test_what_0_2_0_left_serves_the_same(host: DaneHost) -> None:
    """There `current` led into certbot's own folder, which is renewed behind our back."""
    certificate = host.served()
    host.machine.run(f"ln -sfn /etc/letsencrypt/live/{NAME} {CURRENT} && smallmail apply")
    assert host.machine.run(["readlink", CURRENT]).stdout.startswith("letsencrypt-")
    assert host.served() == certificate


def test_another_key_waits_for_its_record(host: DaneHost) -> None:
    certificate, key, before = host.served(), host.key(), host.tlsa()
    host.machine.run(RENEW + " --new-key")
    assert host.served() == certificate
    assert len(host.tlsa()) == 2, "published by dynamic update"
    assert set(before) < set(host.tlsa())
    assert "the new certificate has another key" in host.status()[0]["next_certificate"]
    assert "Problem" not in host.machine.run("smallmail dns check").stdout
    host.run_timer_twice()
    assert host.key() != key
    time.sleep(1.5)
    host.run_timer()
    assert len(host.tlsa()) == 1, "the old one was taken back"
    assert set(before).isdisjoint(host.tlsa())


@pytest.mark.slow
def test_obtain_new_is_as_careful(host: DaneHost) -> None:
    key = host.key()
    said = host.machine.run("smallmail certificate obtain --new").stdout
    assert "The new certificate has another key and is used once all name servers have shown" in said
    assert host.key() == key
    done = host.machine.run("smallmail certificate obtain --new", check=False)
    assert "there is a new certificate already" in done.stderr
    host.run_timer_twice()
    assert host.key() != key


def test_without_updates_it_waits_for_the_admin(host: DaneHost) -> None:
    host.machine.run("rm /etc/smallmail/rfc2136.ini")
    key, before = host.key(), host.tlsa()
    said = host.machine.run("smallmail certificate obtain --new").stdout
    wanted = said.rpartition("IN TLSA ")[2].rstrip(".\n")
    host.run_timer_twice()
    assert host.key() == key
    assert host.tlsa() == before
    done = host.machine.run("smallmail dns check", check=False)
    assert f"    {RECORD}. IN TLSA {wanted}" in done.stdout
    # An upgrade, a dpkg-reconfigure: whatever applies the settings knows it, too.
    host.machine.run("smallmail apply && systemctl reload postfix dovecot")
    assert host.key() == key
    host.set_tlsa(*before, wanted)
    host.run_timer_twice()
    assert host.key() != key
    assert host.status()[0]["next_certificate"] == ""
    assert f"TLSA\n  {before[0]}: delete" in host.machine.run(
        "smallmail dns check", check=False).stdout


def make_certificate(host: DaneHost, days: int) -> None:
    """Make a certificate of the admin's own, that is valid for so many days."""
    host.machine.run("mkdir -p /root/own; cd /root/own && openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=own"
                     f" -addext subjectAltName=DNS:{NAME} -days {days} -keyout key.pem -out cert.pem")


@pytest.mark.slow
def test_an_own_certificate_waits_too(host: DaneHost) -> None:
    key, before = host.key(), host.tlsa()
    make_certificate(host, days=1)
    said = host.machine.run("smallmail set certificate=files certificate-file=/root/own/cert.pem"
                            " key-file=/root/own/key.pem").stdout
    assert "The new certificate has another key than the TLSA records in DNS" in said
    host.run_timer()
    assert host.key() == key
    added = host.status()[0]["next_certificate"].rpartition("IN TLSA ")[2]
    host.set_tlsa(*before, added)
    host.run_timer_twice()
    assert host.key() != key


def test_nobody_ever_saw_a_certificate_without_its_record(dane_probe: DaneProbe, record: Record) -> None:
    dane_probe.end()
    record(f"{dane_probe.verified} connections, all verified")
    assert dane_probe.failed == []
    assert dane_probe.verified > 50


@pytest.mark.slow
def test_nothing_is_waited_for_when_the_end_is_near(host: DaneHost) -> None:
    key = host.key()
    make_certificate(host, days=300)
    host.run_timer()
    assert host.key() != key, "the old one ends tomorrow"
    assert "none of the TLSA records fits the\n  certificate in use" in host.machine.run(
        "smallmail dns check", check=False).stdout


def test_outgoing_mail_uses_dane_where_the_resolver_validates(host: DaneHost, world: World) -> None:
    assert host.security_level() == "may", "a resolver elsewhere counts for nothing"
    host.machine.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    host.machine.run("systemctl restart unbound postfix")
    host.run_timer()
    assert host.security_level() == "dane"
    assert host.machine.run("smallmail plan").stdout == "Nothing to do.\n"
    host.send("without a record")
    world.foreign.expect(BOB, "without a record", why=lambda: host.logged(""))
    assert not host.logged("Verified TLS connection established to mx.example.net")
    host.set_foreign_tlsa(world.foreign.tlsa())
    host.send("with its record")
    world.foreign.expect(BOB, "with its record", why=lambda: host.logged(""))
    assert host.logged("Verified TLS connection established to mx.example.net")


@pytest.mark.slow
def test_outgoing_mail_waits_while_the_record_is_wrong(host: DaneHost, world: World) -> None:
    host.set_foreign_tlsa("3 1 1 " + "00" * 32)
    host.send("with a wrong record")
    until(lambda: "certificate" in host.logged("status=deferred"), "mail to wait", 60, lambda: host.logged(""))
    host.set_foreign_tlsa(world.foreign.tlsa())
    host.retry_until_received("with a wrong record")


@pytest.mark.slow   # many questions wait for a resolver that does not answer
def test_a_resolver_that_is_away_changes_nothing_and_one_that_does_not_validate_does(host: DaneHost,
                                                                                     world: World) -> None:
    host.machine.run("systemctl stop unbound")
    host.run_timer()
    assert host.security_level() == "dane"
    host.machine.write("/etc/unbound/unbound.conf.d/lax.conf", "server:\n    module-config: iterator\n")
    host.machine.run("systemctl start unbound")
    host.run_timer()
    assert host.security_level() == "may"
    host.machine.run("rm /etc/unbound/unbound.conf.d/lax.conf && systemctl restart unbound")
    host.run_timer()
    assert host.security_level() == "dane"
    world.dns.remove(THEIRS, "TLSA")


# MTA-STS (RFC 8461): a policy that wants a certificate that the foreign server does not have.
POLICY = "version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 86400\n"
WEB = """\
import http.server, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/sts.pem", "/srv/sts.key")
server = http.server.HTTPServer(("", 443), http.server.SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
SERVE = """
    openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=sts -addext subjectAltName=DNS:mta-sts.example.net -days 9 \
        -keyout /srv/sts.key -out /srv/sts.pem
    cp /srv/sts.pem /usr/local/share/ca-certificates/sts.crt && update-ca-certificates
    systemd-run -q --unit=sts --working-directory=/srv/sts python3 /srv/sts.py
"""


@pytest.mark.slow
def test_outgoing_mail_follows_mta_sts_where_its_daemon_is(host: DaneHost, world: World, deb: Path) -> None:
    host.machine.write("/etc/resolv.conf", f"nameserver {RESOLVER}\n")
    host.machine.run("systemctl restart postfix")
    host.run_timer()
    assert host.security_level() == "may"
    packages.offer(host.machine, deb, *roots.fetched(host.suite, "postfix-mta-sts-resolver"))
    host.machine.run("apt-get -y --no-install-recommends install postfix-mta-sts-resolver")
    policy_maps = ["postconf", "-h", "smtp_tls_policy_maps"]
    assert host.machine.run(policy_maps).stdout == "socketmap:inet:127.0.0.1:8461:postfix\n"
    host.send("no policy there")
    world.foreign.expect(BOB, "no policy there", why=lambda: host.logged(""))
    host.machine.run("systemctl stop postfix-mta-sts-resolver")
    host.send("its daemon is away")
    until(lambda: host.logged("status=deferred (client TLS configuration problem)"), "mail to wait", 30,
          lambda: host.logged(""))
    said = host.machine.run("smallmail check tls", check=False).stdout
    assert "Problem: postfix-mta-sts-resolver is not running" in said
    host.machine.run("systemctl start postfix-mta-sts-resolver")
    host.retry_until_received("its daemon is away")
    host.machine.write("/srv/sts/.well-known/mta-sts.txt", POLICY)
    host.machine.write("/srv/sts.py", WEB)
    host.machine.run(SERVE)
    host.machine.wait_port(443)
    world.dns.set("example.net", f'_mta-sts TXT "v=STSv1; id=1"\nmta-sts A {ADDRESS}\n')
    host.send("a policy there")
    until(lambda: "certificate" in host.logged("status=deferred"), "mail to wait", 30,
          lambda: host.logged(""))
    world.dns.remove("_mta-sts.example.net", "TXT")
    host.machine.run("apt-get -y remove postfix-mta-sts-resolver")
    assert host.machine.run(policy_maps).stdout == "\n"
    host.retry_until_received("a policy there")
