"""DNS: the resolvers that this host asks."""

from __future__ import annotations

import pytest

from smallmail.check.groups import dns
from smallmail.findings import NOTE, UNKNOWN
from smallmail.zones import asking
from smallmail.zones.resolver import Asked


def test_resolvers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "online", lambda kind: kind == "A")
    good, plain, dead = Asked(True, True), Asked(True, False), Asked(False, False)
    assert list(dns.resolvers({"127.0.0.1": good, "192.0.2.1": plain})) == []
    assert [each.severity for each in dns.resolvers({"192.0.2.1": plain})] == [NOTE]
    found, = dns.resolvers({"127.0.0.1": dead, "192.0.2.1": good})
    assert (found.what, found.commands) == ("the DNS server 127.0.0.1 does not answer", ["systemctl restart unbound"])
    assert next(dns.resolvers({})).what == "/etc/resolv.conf does not name a DNS server"
    monkeypatch.setattr(asking, "online", lambda kind: False)
    assert [each.severity for each in dns.resolvers({"192.0.2.1": dead})] == [UNKNOWN]
