"""A rotation, stage by stage, and what the check says of keys."""

from __future__ import annotations

from smallmail.dkim import keys as dkim_keys, rotation, signing
from smallmail.dkim.key_list import NEXT, OLD, SIGNING
from smallmail.machine.host import Host
from tests.unit.dkim.conftest import DAY, DOMAIN, change, states, switched, the


def test_a_rotation(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    switched(host)
    assert rotation.begin(host, DOMAIN) == ""
    made = states(host)
    assert sorted(made.values()) == [NEXT, NEXT, SIGNING, SIGNING]
    assert "under way" in rotation.begin(host, DOMAIN), "typed again"
    assert states(host) == made
    assert len(dkim_keys.records_by_domain(host, 0)[DOMAIN]) == 4
    assert sorted(dkim_keys.unused_names(host)) == sorted(
        f"{name}._domainkey.{DOMAIN}" for name, state in made.items() if state == NEXT)
    first, second = [name for name in made if made[name] == NEXT]
    waits = {dkim_keys.path(the(host, first)): [], dkim_keys.path(the(host, second)): ["ns.example.net"]}
    rotation._switch(host, waits)
    assert [the(host, first).state, the(host, second).state, the(host, "dkim").state] == [SIGNING, NEXT, OLD]
    assert the(host, second).waiting == ["ns.example.net"]
    assert first in signing.text(dkim_keys.load(host)) and second not in signing.text(dkim_keys.load(host))
    assert "not finished" in rotation.begin(host, DOMAIN)


def test_an_old_key_stays_until_rspamd_has_long_signed_without_it(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    rotation.begin(host, DOMAIN)
    switched(host)
    old = the(host, "dkim")
    assert not dkim_keys.is_over(old, 1e12), "nobody has seen Rspamd sign without it"
    change(host, "dkim", left=1000.0)
    end = 1000 + 14 * DAY
    assert [dkim_keys.is_over(the(host, "dkim"), now) for now in (end - 1, end)] == [False, True]
    names = [[record.name for record in dkim_keys.records_by_domain(host, now)[DOMAIN]] for now in (end - 1, end)]
    assert ["dkim._domainkey.example.org" in each for each in names] == [True, False]
    assert rotation.begin(host, DOMAIN) == "", "another may begin"


def test_a_lost_key_is_no_dead_end(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    rotation.begin(host, DOMAIN)
    lost = next(key for key in dkim_keys.load(host) if key.state == NEXT and key.kind == "rsa")
    host.remove(dkim_keys.path(lost))
    assert "is lost" in rotation._without_lost(host)[0]
    assert lost.selector not in states(host)
    host.remove(dkim_keys.path(the(host, "dkim")))
    assert [each.severity for each in rotation.judge(host, 0)] == ["problem"]
    dkim_keys.ensure(host, [DOMAIN])
    assert dkim_keys.is_whole(host, the(host, "dkim"))


def test_what_check_says(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    change(host, "dkim", made=0.0)
    change(host, "dkim-ed25519", made=0.0, waiting=["ns.example.net (203.0.113.1)"])
    said = [each.what for each in rotation.judge(host, 400 * DAY)]
    assert "the DKIM key dkim._domainkey.example.org is from 1970-01-01: 'smallmail dkim rotate" in said[0]
    assert "has waited since 1970-01-01 for ns.example.net (203.0.113.1)" in said[1]
    assert list(rotation.judge(host, 1 * DAY)) == []
