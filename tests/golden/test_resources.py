"""What differs on a host with less than the golden trees' host has."""

from __future__ import annotations

import pytest

from smallmail.resources import Resources
from tests.golden import trees

MAIN, DOVECOT = "etc/postfix/main.cf", "etc/dovecot/conf.d/95-smallmail-listen.conf"


@pytest.mark.parametrize("suite", trees.SUITES)
def test_without_ipv6_daemons_listen_without_it(suite: str) -> None:
    tree = trees.rendered(f"{suite}-plain", Resources(2048, 2, ipv6=False))
    assert "inet_protocols = ipv4\n" in tree[MAIN]
    assert "\nlisten = *\n" in tree[DOVECOT]


@pytest.mark.parametrize("suite", trees.SUITES)
def test_little_memory_serves_fewer_at_a_time(suite: str) -> None:
    tree = trees.rendered(f"{suite}-plain", Resources(512, 1, ipv6=True))
    assert "smtpd_client_connection_count_limit = 2\n" in tree[MAIN]
    assert "client_limit = 204\n" in tree[DOVECOT]
