"""`smallmail dns publish` on a real name server: knot, signed from the root down. The host is a folder, on the client's
network; all that it does is what the verb does."""

from __future__ import annotations

import functools
import json
import os
import signal
import threading
import time
from contextlib import suppress

import dns.exception
import dns.message
import dns.query
import dns.rdata
import pytest

from smallmail.commands import publish
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.publishing import published, session, update as publishing_update
from tests.lab.network import GATEWAY, Namespace, inside, ipv6
from tests.lab.world import CLIENT
from tests.system.publishing import DOMAIN, HERE, NAME, NEXT, OTHER_SECRET, RFC2136, TLSA, TROUBLES

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


def test_everything_then_nothing_to_do(mine, capsys, record):
    wanted, started = mine.wanted(), time.monotonic()
    assert mine.publish() == 0
    took, said = time.monotonic() - started, capsys.readouterr().out
    assert mine.there() == wanted
    assert "Zone example.com, at 203.0.113.1:\n+ mx.example.com. 3600 A 203.0.113.77\n" in said
    assert said.endswith("Published. Waiting until all name servers show it ...\nAll name servers show it.\n")
    key, = wanted["dkim._domainkey.example.com", "TXT"]
    assert len(key) > 255 and f'"{key[:255]}" "{key[255:]}"' in said
    assert mine.world.dns.query("dkim._domainkey.example.com", "TXT") == [f'"{key[:255]}" "{key[255:]}"']
    assert mine.world.dns.is_secure("example.com", "MX")
    serial, started = mine.world.dns.query(DOMAIN, "SOA"), time.monotonic()
    assert mine.publish() == 0
    again = time.monotonic() - started
    record(f"{len(wanted)} record sets published in {took:.2f} s, seen to be right in {again:.2f} s")
    assert capsys.readouterr().out == "Nothing to do.\n"
    assert mine.world.dns.query(DOMAIN, "SOA") == serial
    assert mine.owned() == {(name, kind, value) for (name, kind), values in wanted.items() for value in values}
    assert (mine.folder / state.PUBLISHED).stat().st_mode & 0o777 == 0o600


def test_without_a_terminal_and_without_yes_nothing_is_changed(mine, capsys):
    assert mine.publish(yes=False) == 1
    said = capsys.readouterr().out
    assert '+ example.com. 3600 TXT "v=spf1 mx -all"' in said
    assert said.endswith("Nothing was published: 'smallmail dns publish --yes' does it.\n")
    assert mine.publish(yes=False, json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["outcome"] == "not published" and len(told["changes"]) == sum(map(len, mine.wanted().values()))
    assert not mine.there() and not mine.owned()


@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 1), ("", 1), (EOFError, 1)])
def test_at_a_terminal_it_asks(mine, monkeypatch, capsys, typed, code):
    def answer(prompt):
        assert prompt == "\nPublish? [y/N] "
        if typed is EOFError:
            raise EOFError
        return typed
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answer)
    assert mine.publish(yes=False) == code
    assert bool(mine.there()) == (code == 0)
    assert ("Nothing was published." in capsys.readouterr().out) == (code == 1)


def test_for_programs(mine, capsys):
    mine.credentials(RFC2136.format(ipv6(GATEWAY), *mine.world.dns.key[::2]))
    assert mine.publish(json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outcome"] == "published" and not told["foreign"] and not told["skipped"] and not told["refused"]
    assert {"zone": DOMAIN, "name": DOMAIN, "type": "MX", "ttl": 3600, "remove": [], "add": ["10 mx.example.com."]} \
        in told["changes"]
    assert mine.publish(json=True) == 0
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
NOT_TOUCHED = "Left alone (not written by smallmail): "


def test_what_others_wrote_stays_and_is_named(mine, capsys):
    mine.world.dns.set(".", OTHERS)
    before = mine.there()
    assert mine.publish() == 1
    said, there = capsys.readouterr().out, mine.there()
    assert {key: there[key] for key in before} == before
    assert there["_smtp._tls.example.com", "TXT"] == mine.wanted()["_smtp._tls.example.com", "TXT"]
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
    assert not mine.owned() & {(name, kind, value) for (name, kind), values in before.items() for value in values}

    capsys.readouterr()
    assert mine.publish(replace=[["MX.example.com.", "a"], ["dkim._domainkey.example.com", "TXT"]]) == 1
    said, there = capsys.readouterr().out, mine.there()
    assert "- mx.example.com. 1 A 192.0.2.97\n+ mx.example.com. 1 A 203.0.113.77\n" in said, "the TTL stays"
    for key in (("mx.example.com", "A"), ("dkim._domainkey.example.com", "TXT")):
        assert there[key] == mine.wanted()[key]
    assert there["_imap._tcp.example.com", "SRV"] == {"0 1 143 old.example.com."}
    assert there[DOMAIN, "TXT"] == {
        f"v=spf1 ip4:192.0.2.99 ip4:{CLIENT} ip6:{ipv6(CLIENT)} -all", "some-verification=1234"}


def test_replacing_one_kind_of_text_leaves_the_others_at_the_name(mine):
    mine.world.dns.set(".", OTHERS)
    mine.publish(replace=[[DOMAIN, "TXT"]])
    assert mine.there()[DOMAIN, "TXT"] == {"v=spf1 mx -all", "some-verification=1234"}
    with pytest.raises(Problem, match="smallmail does not want the record example.com NS"):
        mine.publish(replace=[[DOMAIN, "NS"]])


def test_ours_follows_the_settings(mine, capsys):
    """Another hostname, a relayhost, a domain that has gone: what is ours goes or changes, beside it all stays."""
    mine.add_domain("example.org")
    assert mine.publish() == 0
    mine.world.dns.set(".", 'example.com. TXT "mine"\nexample.com. TXT "v=spf1 mx -all"\n'
                            "example.com. MX 10 mx.example.com.\nexample.com. MX 90 backup.example.com.\n"
                            "backup.example.com. A 192.0.2.98\n")
    mine.configure("mail.example.com", "relayhost = [relay.example.net]:587\n")
    mine.remove_domain("example.org")
    capsys.readouterr()
    assert mine.publish() == 0
    said, there, wanted = capsys.readouterr().out, mine.there(), mine.wanted()
    assert '- example.com. 1 TXT "v=spf1 mx -all"\n+ example.com. 1 TXT "v=spf1 mx ~all"\n' in said
    assert "\nZone example.org, at 203.0.113.1:\n- " in said
    assert "\n- example.org. 3600 MX 10 mx.example.com.\n" in said
    assert there[DOMAIN, "TXT"] == {"mine", "v=spf1 mx ~all"}
    assert there[DOMAIN, "MX"] == {"10 mail.example.com.", "90 backup.example.com."}
    assert {name for name, _ in there if not name.endswith(DOMAIN)} == {"dkim._domainkey.example.org"}, \
        "for mail that is on its way"
    assert set(there) == {*wanted, ("backup.example.com", "A")}
    assert {kind for name, kind in there if name == "mail.example.com"} == {"A", "AAAA", "TXT", "CAA"}


def test_one_domain_of_several(mine, capsys):
    mine.add_domain("example.org")
    assert mine.publish("Example.Org.") == 0
    assert {name for name, _ in mine.there()} == {name for name, _ in mine.wanted()
                                                 if not name.endswith(DOMAIN) or name == NAME}
    mine.remove_domain("example.org")
    capsys.readouterr()
    assert mine.publish("example.org") == 0, "it is none any more, but records of it are ours"
    assert {name for name, _ in mine.there()} == {NAME, "dkim._domainkey.example.org"}
    with pytest.raises(Problem, match="example.net is not a mail domain of this host"):
        mine.publish("example.net")


@pytest.mark.parametrize(("text", "words"), TROUBLES)
def test_what_is_wrong_with_the_way_to_the_server_is_one_sentence(mine, text, words):
    mine.credentials(text)
    with pytest.raises(Problem) as caught:
        mine.publish()
    assert words in str(caught.value)
    assert OTHER_SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert not mine.there() and not mine.owned()


@pytest.mark.parametrize("section", [
    HERE.format(OTHER_SECRET), HERE.format(OTHER_SECRET) + "dns_rfc2136_port = 54\n",
    HERE.format(OTHER_SECRET).replace("lab", "reader")])
def test_a_zone_that_cannot_be_written_keeps_no_other(mine, capsys, section):
    mine.add_domain("example.org")
    mine.credentials(HERE.format(mine.world.dns.key[2]) + "[Example.org.]\n" + section)
    assert mine.publish() == 1
    said = capsys.readouterr()
    assert said.out.count("Left out: ") == 1 and "All name servers show it." in said.out
    there = mine.there()
    assert there == {key: value for key, value in mine.wanted().items() if key[0].endswith(DOMAIN)}
    assert set(published.load(mine.host).values()) == {DOMAIN}


def test_a_wildcard_gives_way(mine, capsys):
    """RFC 4592: what is seen at a name because of a wildcard is no record of that name."""
    mine.world.dns.set(".", "*.example.com. CNAME web.example.com.\nweb.example.com. A 192.0.2.80\n")
    assert mine.publish() == 0, capsys.readouterr().out
    there = mine.there()
    assert there.pop(("*.example.com", "CNAME")) == {"web.example.com."}
    assert there.pop(("web.example.com", "A")) == {"192.0.2.80"}
    assert there == mine.wanted()
    mine.world.dns.remove_all([("*.example.com", "CNAME"), *there])
    mine.world.dns.set(".", '*.example.com. A 192.0.2.80\n*.example.com. TXT "v=spf1 -all"\n')
    capsys.readouterr()
    assert mine.publish() == 0, capsys.readouterr().out
    assert mine.wanted().items() <= mine.there().items()
    assert mine.publish() == 0


def test_an_alias_in_the_way(mine, capsys):
    """It serves where it leads to what is wanted; else it is named, and nothing is written beside it."""
    key, = mine.wanted()["dkim._domainkey.example.com", "TXT"]
    mine.world.dns.set(".", "_dmarc.example.com. CNAME dmarc.example.net.\n"
                            'dmarc.example.net. TXT "v=DMARC1; p=reject"\n'
                            "_smtp._tls.example.com. CNAME nothing.example.net.\n"
                            "mx.example.com. CNAME host.example.net.\nhost.example.net. A 203.0.113.77\n"
                            "dkim._domainkey.example.com. CNAME key.example.net.\n"
                            f'key.example.net. TXT "{key[:200]}" "{key[200:]}"\n')
    try:
        assert mine.publish(replace=[["mx.example.com", "A"]]) == 1
    finally:
        mine.world.dns.remove_all([("dmarc.example.net", "TXT"), ("host.example.net", "A"), ("key.example.net", "TXT")])
    said, there = capsys.readouterr().out, mine.there()
    assert "Correct already (not written by smallmail): _dmarc.example.com TXT (DMARC)\n" in said
    assert "Correct already (not written by smallmail): dkim._domainkey.example.com TXT (DKIM)\n" in said
    for name, target in (("mx.example.com", "host.example.net"), ("_smtp._tls.example.com", "nothing.example.net")):
        assert f"Left out: {name}: it is an alias (CNAME) for {target}, which allows no other record at this" in said
        assert {kind for each, kind in there if each == name} == {"CNAME"}
    assert there[DOMAIN, "MX"] == {"10 mx.example.com."}


def test_a_name_that_is_delegated_to_others(mine, capsys):
    mine.world.dns.set(".", "_tcp.example.com. NS client.example.net.\n")
    try:
        assert mine.publish() == 1
    finally:
        mine.world.dns.remove("_tcp.example.com", "NS")
    assert "Left out: _submissions._tcp.example.com, _submission._tcp.example.com" in capsys.readouterr().out
    assert (DOMAIN, "MX") in mine.there() and ("_submissions._tcp.example.com", "SRV") not in mine.there()


@pytest.fixture
def between(monkeypatch):
    """What happens between reading and writing: a list of calls, one taken each time something is sent."""
    happens, update = [], publishing_update.Primary.update

    def late(primary, changes, seen):
        if happens:
            happens.pop(0)()
        update(primary, changes, seen)
    monkeypatch.setattr(publishing_update.Primary, "update", late)
    return happens


@pytest.mark.parametrize("record", ["example.com. MX 5 quick.example.com.\n",
                                    "mx.example.com. CNAME quick.example.com.\n"])
def test_somebody_is_quicker(mine, between, capsys, record):
    between.append(lambda: mine.world.dns.set(".", record + "quick.example.com. A 192.0.2.96\n"))
    assert mine.publish() == 1
    said, there = capsys.readouterr().out, mine.there()
    assert "Someone else has just changed some of these records; they are read again:" in said
    name, kind = record.split()[0].rstrip("."), record.split()[1]
    assert there[name, kind] == {record.split(None, 2)[2].strip()}, "and nothing beside it"
    assert not [entry for entry in mine.owned() if entry[:2] == (name, kind)]
    assert (f"{NOT_TOUCHED}example.com MX" if kind == "MX" else "Left out: mx.example.com: it is an alias") in said
    assert there["_dmarc.example.com", "TXT"] == mine.wanted()["_dmarc.example.com", "TXT"]


def test_somebody_is_always_quicker(mine, between):
    between.extend(functools.partial(mine.world.dns.set, ".", record + "\n") for record in (
        "example.com. MX 5 quick.example.com.", "mx.example.com. A 192.0.2.96", "_imaps._tcp.example.com. SRV 0 0 0 ."))
    with pytest.raises(Problem, match="someone else keeps changing the same records"):
        mine.publish()
    assert not mine.owned() and len(mine.there()) == 3


def test_the_answer_is_lost(mine, monkeypatch, capsys):
    """Whether the records are there nobody knows: then they are ours, if they are."""
    update, lost = publishing_update.Primary.update, []

    def silent(primary, changes, seen):
        update(primary, changes, seen)
        if not lost:
            lost.append(True)
            raise Problem("the name server cannot be reached")
    monkeypatch.setattr(publishing_update.Primary, "update", silent)
    assert mine.publish() == 1
    assert capsys.readouterr().err == "smallmail: the name server cannot be reached\n"
    assert mine.publish() == 0
    assert capsys.readouterr().out == "Nothing to do.\n"
    assert {entry[:2] for entry in mine.owned()} == set(mine.there())


# Where the process is killed: before the server has the update, and after it.
@pytest.mark.parametrize("sent", [False, True])
def test_killed_in_the_middle(mine, sent, capfd):
    """The note on what is ours is there before the records are."""
    child = os.fork()
    if not child:
        update = publishing_update.Primary.update

        def killed(primary, changes, seen):
            if sent:
                update(primary, changes, seen)
            os.kill(os.getpid(), signal.SIGKILL)
        publishing_update.Primary.update = killed
        mine.publish()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert bool(mine.there()) == sent
    assert mine.publish() == 0
    assert mine.there() == mine.wanted()
    assert mine.owned() == {(name, kind, value) for (name, kind), values in mine.wanted().items() for value in values}
    assert ("Nothing to do.\n" in capfd.readouterr().out) == sent
    mine.configure("mail.example.com")
    assert mine.publish() == 0
    assert mine.there() == mine.wanted()


@pytest.fixture
def secondary(mine):
    """A second name server of example.com, which nobody tells that there is something new: to be called for that."""
    world, chroot = mine.world, mine.world.chroot
    name, _, secret = world.dns.key
    chroot.write("/etc/knot/late.conf", SECONDARY.format(name, secret))
    chroot.run("mkdir -p /run/late /var/lib/late && chown knot:knot /run/late /var/lib/late")
    namespace = Namespace("late", LATE)

    def answers():
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
def test_a_server_that_takes_no_updates(mine):
    """It serves the zone and knows the key, but the key may not change anything there."""
    mine.credentials(RFC2136.format(LATE, *mine.world.dns.key[::2]))
    with pytest.raises(Problem, match=f"the name server {LATE} does not accept the key 'lab' with hmac-sha256"):
        mine.publish(yes=False)
    assert not mine.there() and not mine.owned()


def test_a_key_that_may_not_do_all(mine, hands, capsys):
    """As keys for certbot alone are made: the whole update is refused, and nothing is ours. Another zone goes on."""
    put, _, _ = hands
    mine.add_domain("example.org")
    mine.credentials("[example.com]\n".join(RFC2136.format(GATEWAY, name, mine.world.dns.key[2])
                                            for name in ("lab", "acme")))
    words = f"the name server {GATEWAY} does not accept the key 'acme' with hmac-sha256 for the zone {DOMAIN}"
    assert mine.publish(json=True) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"smallmail: {words}: compare ") and said.err.count("\n") == 1
    told = json.loads(said.out)
    assert told["outcome"] == "published" and list(told["refused"]) == [DOMAIN]
    with pytest.raises(Problem, match=words):
        put(TLSA)
    assert {name.endswith("example.org") for name, _ in mine.there()} == {True}
    assert set(published.load(mine.host).values()) == {"example.org"}
    put([NEXT])
    assert mine.there()[NEXT.name, "TXT"] == {NEXT.value}


def test_it_waits_until_all_name_servers_show_it(mine, secondary, monkeypatch, capsys):
    wait, called, took = session.wait, threading.Timer(3, secondary), []

    def timed(*given):
        started = time.monotonic()
        called.start()
        late = wait(*given)
        took.append(time.monotonic() - started)
        return late
    with monkeypatch.context() as patched:
        patched.setattr(session, "wait", timed)
        assert mine.publish() == 0
    assert took[0] >= 3
    assert capsys.readouterr().out.endswith("All name servers show it.\n")
    called.join()

    mine.configure("mail.example.com")
    monkeypatch.setattr(publish, "_PATIENCE", 1.0)
    assert mine.publish(json=True) == 1
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["outcome"], told["late"]) == ("published, but not shown everywhere", [f"late.example.net ({LATE})"])
    assert f"after 1 s these name servers did not show all of it: late.example.net ({LATE}); 'smallmail" in said.err
    assert mine.there() == mine.wanted()
