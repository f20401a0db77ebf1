"""When certbot is asked again, and for what."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certbot, certificate, obtain

PLAIN = {"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"}

# What certbot said: see test_certbot.py for more.
TIMEOUT = "  Type:   connection\n  Detail: 203.0.113.10: Fetching http://mx.example.org/x: Timeout during connect\n"
LIMITED = "Error creating new order :: too many certificates (5) already issued for this exact set of domains"


def test_attempts_become_rarer() -> None:
    words = TIMEOUT
    delays = [obtain.delay(failures, words) for failures in range(1, 12)]
    assert delays[:4] == [600, 1200, 2400, 4800]
    assert delays[-1] == 86400
    assert sum(delay < 3600 for delay in [sum(delays[:count]) for count in range(12)]) < 5, "Let's Encrypt's limit"
    assert obtain.delay(1, LIMITED) == 86400
    assert obtain.delay(11, "Temporary failure in name resolution") == 3600
    assert obtain.delay(1000, words) == 86400


def test_what_the_admins_own_certbot_made_is_left_alone(tmp_path: Path) -> None:
    host, settings = Host(str(tmp_path)), Settings(PLAIN)
    other = Settings({**PLAIN, "certificate-key": "ecdsa"})
    known = obtain.attempts(host)
    assert obtain.wanted(host, settings, known)
    host.write("etc/letsencrypt/live/mx.example.org/fullchain.pem", File(b"", 0o644, "root", "root"))
    assert not obtain.wanted(host, settings, known)
    known["asked"] = certbot.asked(settings)
    assert not obtain.wanted(host, settings, known)
    assert obtain.wanted(host, other, known), "another key, please"
    assert not obtain.wanted(host, Settings({**PLAIN, "certificate": "self-signed"}), known)
    known["asked"]["hostname"] = "old.example.org"
    assert not obtain.wanted(host, other, known), "that was asked for another name"


def test_other_settings_are_another_chance(tmp_path: Path) -> None:
    settings = Settings(PLAIN)
    known = obtain.attempts(Host(str(tmp_path)))
    assert obtain.due(settings, known) == 0
    known.update(tried=certbot.asked(settings), next=1e10)
    assert obtain.due(settings, known) == 1e10
    assert obtain.due(Settings({**PLAIN, "acme-challenge": "dns"}), known) == 0


def test_an_unreadable_state_is_no_state(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    host.write(state.OBTAIN, File(b"{", 0o600, "root", "root"))
    assert obtain.attempts(host)["failures"] == 0


def test_a_key_from_before_stays_when_certbot_would_change_it(tmp_path: Path) -> None:
    host, settings, day = Host(str(tmp_path)), Settings(PLAIN), 86400
    host.directory("var/lib/smallmail")
    live = host.path("etc/letsencrypt/live/mx.example.org")
    Path(live).mkdir(parents=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mx.example.org", "-days",
                    "90", "-keyout", f"{live}/privkey.pem", "-out", f"{live}/fullchain.pem"], check=True,
                   stderr=subprocess.DEVNULL)
    certificate.ensure(host, settings)
    known, now = obtain.attempts(host), time.time()
    assert not obtain._would_change_key(host, settings, known, now + 60 * day), "the admin's own certbot made it"
    known["asked"] = certbot.asked(settings)
    assert not obtain._would_change_key(host, settings, known, now + 58 * day)
    assert obtain._would_change_key(host, settings, known, now + 59.5 * day), "before certbot's 30 days"
    known["keeps"] = True
    assert not obtain._would_change_key(host, settings, known, now + 60 * day)
