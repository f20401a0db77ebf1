"""`smallmail dns publish` on a real name server: knot, signed from the root down. The host is a folder, on the client's
network; all that it does is what the verb does."""

from __future__ import annotations

import json
import time

import pytest

from smallmail.errors import Problem
from smallmail.machine import state
from tests.lab.network import GATEWAY, ipv6
from tests.lab.world import CLIENT
from tests.support import rfc2136
from tests.support.fixtures import Record
from tests.support.publisher import DOMAIN, NAME, NOT_TOUCHED, Publisher


def test_everything_then_nothing_to_do(publisher: Publisher, capsys: pytest.CaptureFixture[str],
                                       record: Record) -> None:
    wanted, started = publisher.wanted(), time.monotonic()
    assert publisher.publish() == 0
    took, said = time.monotonic() - started, capsys.readouterr().out
    assert publisher.in_dns() == wanted
    assert "Zone example.com, at 203.0.113.1:\n+ mx.example.com. 3600 A 203.0.113.77\n" in said
    assert said.endswith("Published. Waiting until all name servers show it ...\nAll name servers show it.\n")
    key, = wanted["dkim._domainkey.example.com", "TXT"]
    assert len(key) > 255 and f'"{key[:255]}" "{key[255:]}"' in said
    assert publisher.world.dns.query("dkim._domainkey.example.com", "TXT") == [f'"{key[:255]}" "{key[255:]}"']
    assert publisher.world.dns.is_secure("example.com", "MX")
    serial, started = publisher.world.dns.query(DOMAIN, "SOA"), time.monotonic()
    assert publisher.publish() == 0
    again = time.monotonic() - started
    record(f"{len(wanted)} record sets published in {took:.2f} s, seen to be right in {again:.2f} s")
    assert capsys.readouterr().out == "Nothing to do.\n"
    assert publisher.world.dns.query(DOMAIN, "SOA") == serial
    assert publisher.owned() == {(name, kind, value) for (name, kind), values in wanted.items() for value in values}
    assert (publisher.folder / state.PUBLISHED).stat().st_mode & 0o777 == 0o600


def test_without_a_terminal_and_without_yes_nothing_is_changed(publisher: Publisher,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    assert publisher.publish(yes=False) == 1
    said = capsys.readouterr().out
    assert '+ example.com. 3600 TXT "v=spf1 mx -all"' in said
    assert said.endswith("Nothing was published: 'smallmail dns publish --yes' does it.\n")
    assert publisher.publish(yes=False, json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["outcome"] == "not published" and len(told["changes"]) == sum(map(len, publisher.wanted().values()))
    assert not publisher.in_dns() and not publisher.owned()


@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 1), ("", 1), (EOFError, 1)])
def test_at_a_terminal_it_asks(publisher: Publisher, monkeypatch: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture[str], typed: str | type[EOFError], code: int) -> None:
    def answer(prompt: str) -> str:
        assert prompt == "\nPublish? [y/N] "
        if not isinstance(typed, str):
            raise typed
        return typed
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answer)
    assert publisher.publish(yes=False) == code
    assert bool(publisher.in_dns()) == (code == 0)
    assert ("Nothing was published." in capsys.readouterr().out) == (code == 1)


def test_for_programs(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    publisher.credentials(rfc2136.credentials(publisher.world, server=ipv6(GATEWAY)))
    assert publisher.publish(json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outcome"] == "published" and not told["foreign"] and not told["skipped"] and not told["refused"]
    assert {"zone": DOMAIN, "name": DOMAIN, "type": "MX", "ttl": 3600, "remove": [], "add": ["10 mx.example.com."]} \
        in told["changes"]
    assert publisher.publish(json=True) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "nothing to do"


# What an admin may have had there long before, and how it is told.
OTHERS = f"""
example.com. 300 TXT "v=spf1 ip4:192.0.2.99 ip4:{CLIENT} ip6:{ipv6(CLIENT)} -all"
example.com. 300 TXT "some-verification=1234"
example.com. 300 MX 10 mx.example.com.
example.com. 300 MX 50 backup.example.com.
backup.example.com. 300 A 192.0.2.98
dkim._domainkey.example.com. 300 TXT "v=DKIM1; k=rsa; p=Zm9yZWlnbg=="
_dmarc.example.com. 300 TXT "v=DMARC1; p=reject"
_imap._tcp.example.com. 300 SRV 0 1 143 old.example.com.
mx.example.com. 300 A 192.0.2.97
"""


def test_what_others_wrote_stays_and_is_named(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    publisher.world.dns.set(".", OTHERS)
    before = publisher.in_dns()
    assert publisher.publish() == 1
    said, there = capsys.readouterr().out, publisher.in_dns()
    assert {key: there[key] for key in before} == before
    assert there["_smtp._tls.example.com", "TXT"] == publisher.wanted()["_smtp._tls.example.com", "TXT"]
    for line in ("Correct already (not written by smallmail): example.com MX",
                 "Correct already (not written by smallmail): example.com TXT (SPF)",
                 "Correct already (not written by smallmail): _dmarc.example.com TXT (DMARC)",
                 NOT_TOUCHED + "mx.example.com A: 192.0.2.97 is not an address of this host\n    192.0.2.97\n"
                 "  > smallmail dns publish --replace mx.example.com A",
                 NOT_TOUCHED + "dkim._domainkey.example.com TXT (DKIM): the published key is not the one that signs"
                 " here\n    v=DKIM1; k=rsa; p=Zm9yZWlnbg==\n"
                 "  > smallmail dns publish --replace dkim._domainkey.example.com TXT",
                 NOT_TOUCHED + "_imap._tcp.example.com SRV: it offers this service, which this host does not have\n"):
        assert line in said
    assert "some-verification" not in said
    assert not publisher.owned() & {(name, kind, value) for (name, kind), values in before.items() for value in values}

    capsys.readouterr()
    assert publisher.publish(replace=[["MX.example.com.", "a"], ["dkim._domainkey.example.com", "TXT"]]) == 1
    said, there = capsys.readouterr().out, publisher.in_dns()
    assert "- mx.example.com. 1 A 192.0.2.97\n+ mx.example.com. 1 A 203.0.113.77\n" in said, "the TTL stays"
    for key in (("mx.example.com", "A"), ("dkim._domainkey.example.com", "TXT")):
        assert there[key] == publisher.wanted()[key]
    assert there["_imap._tcp.example.com", "SRV"] == {"0 1 143 old.example.com."}
    assert there[DOMAIN, "TXT"] == {
        f"v=spf1 ip4:192.0.2.99 ip4:{CLIENT} ip6:{ipv6(CLIENT)} -all", "some-verification=1234"}


def test_replacing_one_kind_of_text_leaves_the_others_at_the_name(publisher: Publisher) -> None:
    publisher.world.dns.set(".", OTHERS)
    publisher.publish(replace=[[DOMAIN, "TXT"]])
    assert publisher.in_dns()[DOMAIN, "TXT"] == {"v=spf1 mx -all", "some-verification=1234"}
    with pytest.raises(Problem, match="smallmail does not want the record example.com NS"):
        publisher.publish(replace=[[DOMAIN, "NS"]])


def test_ours_follows_the_settings(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    """Another hostname, a relayhost, a domain that has gone: what is ours goes or changes, beside it all stays."""
    publisher.add_domain("example.org")
    assert publisher.publish() == 0
    publisher.world.dns.set(".", 'example.com. TXT "mine"\nexample.com. TXT "v=spf1 mx -all"\n'
                            "example.com. MX 10 mx.example.com.\nexample.com. MX 90 backup.example.com.\n"
                            "backup.example.com. A 192.0.2.98\n")
    publisher.configure("mail.example.com", "relayhost = [relay.example.net]:587\n")
    publisher.remove_domain("example.org")
    capsys.readouterr()
    assert publisher.publish() == 0
    said, there, wanted = capsys.readouterr().out, publisher.in_dns(), publisher.wanted()
    assert '- example.com. 1 TXT "v=spf1 mx -all"\n+ example.com. 1 TXT "v=spf1 mx ~all"\n' in said
    assert "\nZone example.org, at 203.0.113.1:\n- " in said
    assert "\n- example.org. 3600 MX 10 mx.example.com.\n" in said
    assert there[DOMAIN, "TXT"] == {"mine", "v=spf1 mx ~all"}
    assert there[DOMAIN, "MX"] == {"10 mail.example.com.", "90 backup.example.com."}
    assert {name for name, _ in there if not name.endswith(DOMAIN)} == {"dkim._domainkey.example.org"}, \
        "for mail that is on its way"
    assert set(there) == {*wanted, ("backup.example.com", "A")}
    assert {kind for name, kind in there if name == "mail.example.com"} == {"A", "AAAA", "TXT", "CAA"}


def test_one_domain_of_several(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    publisher.add_domain("example.org")
    assert publisher.publish("Example.Org.") == 0
    assert {name for name, _ in publisher.in_dns()} == {name for name, _ in publisher.wanted()
                                                 if not name.endswith(DOMAIN) or name == NAME}
    publisher.remove_domain("example.org")
    capsys.readouterr()
    assert publisher.publish("example.org") == 0, "it is none any more, but records of it are ours"
    assert {name for name, _ in publisher.in_dns()} == {NAME, "dkim._domainkey.example.org"}
    with pytest.raises(Problem, match="example.net is not a mail domain of this host"):
        publisher.publish("example.net")
