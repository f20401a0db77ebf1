"""The key that the daemon shares with Dovecot."""

from __future__ import annotations

import ipaddress
import os

import pytest

from smallmail.bans import orders, unit
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

SETTINGS = {"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"}


def test_the_key_stays(host: Host) -> None:
    settings = Settings({**SETTINGS, "bans-never": "192.0.2.5/24, 2001:DB8::1"})
    assert list(unit.prepare(host, settings)) == []
    key, dovecots = host.text(state.BANS_KEY).strip(), host.text(state.BANS_CONF)
    assert f"auth_policy_server_api_header = {key}\n" in dovecots
    assert "auth_policy_hash_nonce = " in dovecots and key not in dovecots.partition("nonce")[2]
    list(unit.prepare(host, settings))
    assert (host.text(state.BANS_KEY).strip(), host.text(state.BANS_CONF)) == (key, dovecots)
    assert orders.never(host) == [ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::1")]
    host.remove(state.BANS_CONF)
    list(unit.prepare(host, settings))
    assert f"header = {host.text(state.BANS_KEY).strip()}\n" in host.text(state.BANS_CONF)


def test_a_healthy_host_has_no_finding() -> None:
    healthy = dict.fromkeys([*unit._UNITS, unit._PACKETS], "active")
    assert list(unit.judged(healthy, "")) == []
    assert [found.severity for found in unit.judged(healthy, "nftables is not installed")] == ["note"]


@pytest.mark.parametrize(("name", "state_", "what"), [
    (unit._UNITS[0], "inactive", "smallmail-bans.socket does not listen"),
    (unit._UNITS[2], "failed", "smallmail-bans.service has failed"),
    (unit._PACKETS, "failed", "nftables does not take the bans"),
])  # fmt: skip
def test_what_is_wrong_is_told(name: str, state_: str, what: str) -> None:
    states = {**dict.fromkeys([*unit._UNITS, unit._PACKETS], "active"), name: state_}
    assert [found.what for found in unit.judged(states, "")] == [what]


def test_a_list_that_cannot_be_read_is_a_problem(host: Host) -> None:
    assert list(unit.readable(host)) == []
    path = host.path(state.BANS_LIST)
    with open(path, "wb") as stream:
        stream.truncate(1 << 40)
    os.chown(os.path.dirname(path), 1001, 1001)
    problem, = unit.readable(host)
    assert problem.what == "the list of bans cannot be read" and "is too large" in problem.why
