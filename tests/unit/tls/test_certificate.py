"""Certificates are copied, whole, and copies go when they are not needed."""

from __future__ import annotations

import pytest

from smallmail.check.groups import tls
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.tls import certificate, tlsa
from tests.unit.tls.conftest import SETTINGS, choose


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


def test_without_a_copy_missing_files_are_an_error(host_with_two: Host) -> None:
    host = host_with_two
    host.remove(f"{state.CURRENT}/privkey.pem")
    host.point("own/key.pem", "none.pem")
    with pytest.raises(Problem, match="key-file: /own/key.pem does not exist"):
        list(tlsa.prepare(host, SETTINGS))
