"""Certificates are copied, whole, and copies go when they are not needed."""

from __future__ import annotations

from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.tls import certificate
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
