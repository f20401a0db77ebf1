"""Certificates are copied, whole, and copies go when they are not needed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from smallmail.check.groups import tls
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, tlsa
from tests.unit.tls.conftest import NAME, SETTINGS, choose

_TEXTS = {"hostname": NAME, "domain": "example.org", "address": "alice@example.org", "certificate": "letsencrypt"}
AUTOMATIC = Settings(_TEXTS)
RENAMED = Settings({**_TEXTS, "hostname": "mx2.example.org"})
SELF_SIGNED = Settings({**_TEXTS, "certificate": "self-signed"})


def test_copies_are_whole_and_go_when_nobody_needs_them(host_with_two: Host) -> None:
    host = host_with_two
    first = host.link(state.CURRENT)
    choose(host, "2")
    second = certificate.ensure(host, SETTINGS)
    host.remove(f"{state.TLS}/{second}/fullchain.pem")     # as a power cut may leave it
    assert certificate.ensure(host, SETTINGS) == second
    assert host.text(f"{state.TLS}/{second}/fullchain.pem") == host.text("own/cert2.pem")
    key = host.file(f"{state.TLS}/{second}/privkey.pem")
    assert key and key.mode == 0o600
    certificate.tidy(host, [str(first)])
    assert set(host.names(state.TLS)) == {first, "current"}


@pytest.mark.parametrize(("away", "said"), [
    ("cert", "certificate-file: /own/cert.pem does not exist, or is not a file: put it there, or type"
             " 'smallmail set certificate-file=PATH'"),
    ("key", "key-file: /own/key.pem does not exist, or is not a file: put it there, or type"
            " 'smallmail set key-file=PATH'"),
    ("", "certificate-file and key-file do not belong together: /own/key.pem is not the key of /own/cert.pem"),
])
def test_an_apply_goes_on_with_the_copy_when_files_are_away_or_half_replaced(host_with_two: Host, away: str,
                                                                             said: str) -> None:
    host = host_with_two
    served = host.link(state.CURRENT)
    host.point("own/cert.pem", "cert2.pem")
    if away:
        host.point(f"own/{away}.pem", "none.pem")
    assert list(tlsa.prepare(host, SETTINGS)) == [said + "; until then the copy that is in use stays"]
    assert tlsa.links(host, SETTINGS) == {} and host.link(state.CURRENT) == served
    (finding,) = tls.source("files", False, certificate.trouble(host, SETTINGS))
    assert said in finding.why
    with pytest.raises(Problem) as refused:     # what 'smallmail set' asks
        certificate.ensure(host, SETTINGS)
    assert str(refused.value) == said
    choose(host, "2")
    assert (list(tlsa.prepare(host, SETTINGS)), certificate.trouble(host, SETTINGS)) == ([], "")
    assert tlsa.links(host, SETTINGS) == {state.CURRENT: certificate.ensure(host, SETTINGS)}


MADE = ("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x"
        " -addext subjectAltName=DNS:{name} -keyout {folder}/privkey.pem -out {folder}/asked.pem",
        "openssl x509 -req -in {folder}/asked.pem -signkey {folder}/privkey.pem -days {days} -copy_extensions copy"
        " -out {folder}/fullchain.pem")


def obtained(host: Host, name: str, days: int = 20) -> str:
    """Let certbot have a certificate. Returns the text."""
    folder = "etc/letsencrypt/live/" + name
    host.directory(folder)
    for command in MADE:
        words = command.format(days=days, name=name, folder=host.path(folder)).split()
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    return host.text(folder + "/fullchain.pem")


def served(host: Host) -> str:
    return host.text(state.CURRENT + "/fullchain.pem")


@pytest.fixture
def host_of_certbot(tmp_path: Path) -> Host:
    """A host that serves a certificate of certbot's."""
    made = Host(str(tmp_path))
    made.directory("var/lib/smallmail")
    obtained(made, NAME)
    certificate.ensure(made, AUTOMATIC)
    return made


def test_another_hostname_keeps_what_is_valid_until_its_own_comes(host_of_certbot: Host) -> None:
    host = host_of_certbot
    before = served(host)
    assert certificate.ensure(host, RENAMED) == host.link(state.CURRENT), "and no self-signed one"
    assert certificate.fits(host, NAME) and not certificate.fits(host, "mx2.example.org")
    renewed = obtained(host, NAME)
    newest = certificate.ensure(host, RENAMED)
    assert host.text(f"{state.TLS}/{newest}/fullchain.pem") == renewed != before, "certbot goes on to renew it"
    own = obtained(host, "mx2.example.org")
    newest = certificate.ensure(host, RENAMED)
    assert host.text(f"{state.TLS}/{newest}/fullchain.pem") == own


def test_what_has_expired_is_not_kept(host_of_certbot: Host) -> None:
    host = host_of_certbot
    obtained(host, NAME, days=-1)
    assert certificate.ensure(host, RENAMED) == "self-signed-mx2.example.org"


def test_the_admins_own_certificate_serves_until_lets_encrypts_comes(host_with_two: Host) -> None:
    host = host_with_two
    assert certificate.ensure(host, AUTOMATIC) == host.link(state.CURRENT)
    obtained(host, NAME)
    assert certificate.ensure(host, AUTOMATIC).startswith("letsencrypt-")
    assert certificate.ensure(host, SELF_SIGNED).startswith("self-signed-")


def test_without_a_copy_missing_files_are_an_error(host_with_two: Host) -> None:
    host = host_with_two
    host.remove(f"{state.CURRENT}/privkey.pem")
    host.point("own/key.pem", "none.pem")
    with pytest.raises(Problem, match="key-file: /own/key.pem does not exist"):
        list(tlsa.prepare(host, SETTINGS))
