"""`smallmail dns publish` with a second name server, which is late and accepts no updates."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdata
import pytest

from smallmail.commands import publish
from smallmail.errors import Problem
from smallmail.publishing import session
from tests.lab.network import GATEWAY, Namespace, inside
from tests.support import rfc2136
from tests.support.publisher import DOMAIN, Publisher

LATE = "203.0.113.58"
SECONDARY = f"""
server:
    rundir: /run/late
    user: knot:knot
    listen: {LATE}@53
database:
    storage: /var/lib/late
key:
  - id: {{}}
    algorithm: hmac-sha256
    secret: {{}}
remote:
  - id: primary
    address: {GATEWAY}
    key: lab
acl:
  - id: reading
    key: lab
    action: transfer
template:
  - id: default
    storage: /var/lib/late
zone:
  - domain: {DOMAIN}
    master: primary
    acl: reading
"""


@pytest.fixture
def secondary(publisher: Publisher) -> Iterator[Callable[[], object]]:
    """A second name server of example.com, which nobody tells that there is something new: to be called for that."""
    world, chroot = publisher.world, publisher.world.chroot
    name, _, secret = world.dns.key
    chroot.write("/etc/knot/late.conf", SECONDARY.format(name, secret))
    chroot.run("mkdir -p /run/late /var/lib/late && chown knot:knot /run/late /var/lib/late")
    namespace = Namespace("late", LATE)

    def answers() -> bool:
        with inside(namespace), suppress(OSError, dns.exception.Timeout):
            return bool(dns.query.udp(dns.message.make_query(DOMAIN, "SOA"), LATE, timeout=1).answer)
        return False

    chroot.daemon("late", ["knotd", "-c", "/etc/knot/late.conf"], namespace, answers)
    world.dns.set("example.net", f"late A {LATE}\n")
    world.dns.set(DOMAIN, "@ NS ns.example.net.\n@ NS late.example.net.\n")
    yield lambda: chroot.run("knotc -s /run/late/knot.sock zone-refresh example.com")
    world.dns.set(DOMAIN, "@ NS ns.example.net.\n")
    chroot.run("knotc -s /run/late/knot.sock stop")
    namespace.close()


@pytest.mark.usefixtures("secondary")
def test_a_server_that_takes_no_updates(publisher: Publisher) -> None:
    """It serves the zone and knows the key, but the key may not change anything there."""
    publisher.credentials(rfc2136.credentials(publisher.world, server=LATE))
    with pytest.raises(Problem, match=f"the name server {LATE} does not accept the key 'lab' with hmac-sha256"):
        publisher.publish(yes=False)
    assert not publisher.in_dns() and not publisher.owned()


def test_it_waits_until_all_name_servers_show_it(publisher: Publisher, secondary: Callable[[], object],
                                                 monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    wait, called, took = session.wait, threading.Timer(3, secondary), []

    def timed(*given: Any) -> list[str]:
        started = time.monotonic()
        called.start()
        late = wait(*given)
        took.append(time.monotonic() - started)
        return late
    with monkeypatch.context() as patched:
        patched.setattr(session, "wait", timed)
        assert publisher.publish() == 0
    assert took[0] >= 3
    assert capsys.readouterr().out.endswith("All name servers show it.\n")
    called.join()

    publisher.configure("mail.example.com")
    monkeypatch.setattr(publish, "_PATIENCE", 1.0)
    assert publisher.publish(json=True) == 1
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["outcome"], told["late"]) == ("published, but not shown everywhere", [f"late.example.net ({LATE})"])
    assert f"after 1 s these name servers did not show all of it: late.example.net ({LATE}); 'smallmail" in said.err
    assert publisher.in_dns() == publisher.wanted()
