"""From a bare domain to mail that others accept, with a signed zone, a validating resolver and a certificate authority:
the admin sets the reverse name, writes down the key for updates and types one command; the rest comes by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import World, foreign, roots
from tests.lab.acme import Acme
from tests.lab.errors import until
from tests.support import checkdmarc, internet, letters
from tests.support.certificate_host import ADDRESS, NAME, CertificateHost, openssl_x509
from tests.support.dane_host import DaneProbe
from tests.support.fixtures import Record, Tool

DOMAIN, ALICE = "example.com", "alice@example.com"
# Only so that the quick test need not wait for the next five minutes; the slow one waits as an admin does.
OFTEN = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/10\nRandomizedDelaySec=0\nAccuracySec=1s\n"
QUICK = "trixie"


@pytest.fixture(scope="module", params=[QUICK, pytest.param("bookworm", marks=pytest.mark.slow)])
def host(request: pytest.FixtureRequest, deb: Path, world: World) -> Iterator[CertificateHost]:
    if reason := roots.available(request.param):
        pytest.skip(reason)
    world.dns.set(".", internet.RECORDS)
    with Acme(world) as authority, CertificateHost(request.param, deb, world, authority) as certified:
        if request.param == QUICK:
            certified.machine.write("/etc/systemd/system/smallmail-certificate.timer.d/often.conf", OFTEN)
            certified.machine.run("systemctl daemon-reload && systemctl restart smallmail-certificate.timer")
        yield certified


def records(host: CertificateHost) -> list[dict[str, Any]]:
    """All that it wants in DNS."""
    found: list[dict[str, Any]] = json.loads(host.machine.run("smallmail dns show --json").stdout)
    return found


def problems(host: CertificateHost) -> list[str]:
    """What `smallmail check` complains of."""
    found = json.loads(host.machine.run("smallmail check --json", check=False).stdout)
    return [each["what"] for each in found if each["severity"] == "problem"]


def test_first_there_is_nothing(host: CertificateHost, record: Record) -> None:
    found = problems(host)
    for words in (f"{NAME} has no address in DNS", f"{DOMAIN} has no MX record", "there is no DKIM key",
                  "there is no DMARC record", f"{ADDRESS} has no reverse name (PTR)"):
        assert any(words in each for each in found), found
    host.run_timer()    # it may not have run since the installation
    assert "do not have an address for it yet" in host.status()[0]["reason"]
    record(f"{len(found)} problems")


def test_one_command_and_the_certificate_comes_by_itself(host: CertificateHost, record: Record) -> None:
    host.world.dns.set_reverse(ADDRESS, NAME)   # the provider does that
    host.allow_updates()
    started = time.monotonic()
    said = host.machine.run("smallmail dns publish --yes").stdout
    assert said.endswith("All name servers show it.\n"), said
    published = time.monotonic() - started
    # From here on only the network is looked at.
    shown, = until(lambda: served(host), "a certificate of the authority's on all ports", 600,
                   lambda: host.machine.journal("smallmail-certificate"))
    took = time.monotonic() - started
    assert f"DNS:{NAME}" in openssl_x509(shown, "-ext", "subjectAltName")
    record(f"published in {published:.1f} s, the certificate served after {took:.0f} s")


def served(host: CertificateHost) -> set[bytes] | None:
    """The one certificate of all ports, when it is one of the authority's."""
    shown = host.served()
    one = len(shown) == 1 and "Pebble" in openssl_x509(next(iter(shown)), "-issuer")
    return shown if one else None


def test_what_is_known_only_now_is_published_now(host: CertificateHost) -> None:
    """The key of the certificate, for those who validate (DANE)."""
    said = host.machine.run("smallmail dns publish --yes").stdout
    assert f"\n+ _25._tcp.{NAME}. 3600 TLSA 3 1 1 " in said
    assert host.machine.run("smallmail dns publish --yes").stdout == "Nothing to do.\n"


def test_now_all_is_well(host: CertificateHost) -> None:
    host.run_timer()    # the job that has let the daemons use the certificate may still be busy with its notes
    for verb in ("dns check", "check"):
        done = host.machine.run("smallmail " + verb, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "No problem found."), done.stdout
    status, code = host.status()
    assert (status["reason"], status["problems"], code) == ("", [], 0)
    assert host.machine.run("smallmail plan").stdout == "Nothing to do.\n"


def test_others_see_each_record_and_can_prove_it(host: CertificateHost) -> None:
    """By the lab's validating resolver."""
    there = records(host)
    for record in there:
        assert host.world.dns.query(record["name"], record["type"]), record
        assert host.world.dns.is_secure(record["name"], record["type"]), record
    assert {record["type"] for record in there} == {"A", "AAAA", "MX", "TXT", "CAA", "SRV", "TLSA"}


def test_checkdmarc_agrees(host: CertificateHost, tool: Tool) -> None:
    """An independent judge of addresses, reverse names, MX, SPF, DMARC, TLSRPT and DNSSEC."""
    said = checkdmarc.report(tool, host.world, DOMAIN)
    assert said["dnssec"] is True
    assert [each["hostname"] for each in said["mx"]["hosts"]] == [NAME] and not said["mx"]["warnings"], said["mx"]
    assert said["spf"]["valid"] and not said["spf"]["warnings"], said["spf"]
    assert said["dmarc"]["valid"] and not said["dmarc"]["warnings"], said["dmarc"]
    assert said["smtp_tls_reporting"]["valid"], said["smtp_tls_reporting"]


def test_posttls_finger_agrees(host: CertificateHost) -> None:
    """As a mail server that validates: Postfix, with the lab's resolver."""
    assert "Verified TLS connection established" in DaneProbe(host.world, host.machine).connect()


def test_mail_is_accepted_and_its_signature_holds(host: CertificateHost) -> None:
    """Exim judges SPF and DKIM as it comes in; dkimpy, by the records in DNS, as it lies there."""
    bob = f"bob@{foreign.DOMAIN}"
    host.machine.run(["sendmail", "-f", ALICE, bob], input=letters.plain(ALICE, bob, "the story"))
    raw = host.world.foreign.expect(bob, "the story")
    assert host.world.verify_dkim(raw)
    assert letters.parsed(raw)["X-DKIM-Verdict"].startswith(f"pass d={DOMAIN}")
