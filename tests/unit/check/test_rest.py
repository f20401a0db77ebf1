"""Updates, TLS, resolvers; the groups side by side, and what a day has changed."""

from __future__ import annotations

import argparse
import json

import pytest

from smallmail import findings
from smallmail.check import letter, run as check_run
from smallmail.check.groups import dns, tls, updates
from smallmail.commands import check
from smallmail.configuration import in_force
from smallmail.errors import Problem
from smallmail.findings import NOTE, PROBLEM, UNKNOWN, Group
from smallmail.machine.host import Host
from smallmail.programs import daily as programs_daily
from smallmail.zones.answers import Unanswered
from smallmail.zones.resolver import Asked

STATUS = """\
Package: postfix
Status: install ok installed
Version: 3.10.4-1
Source: postfix

Package: dovecot-core
Status: install ok half-configured
Version: 1:2.4.1-1
Source: dovecot (1:2.4.1)

Package: libssl3t64
Status: install ok triggers-pending
Version: 3.5.1-1
Source: openssl

Package: rspamd
Status: deinstall ok config-files
Version: 3.12.1-1

Package: nginx
Status: install ok half-configured
Version: 1.26-1

"""
# distro-info-data of trixie, some lines.
RELEASES = """\
version,codename,series,created,release,eol,eol-lts,eol-elts
11,Bullseye,bullseye,2019-07-06,2021-08-14,2024-08-14,2026-08-31,2031-06-30
12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-06-10,2028-06-30,2033-06-30
13,Trixie,trixie,2023-06-10,2025-08-09,2028-08-09,2030-06-30,2035-06-30
,Sid,sid,1993-08-16,1993-08-16
"""


def test_packages_in_pieces(tmp_path) -> None:
    (tmp_path / "status").write_text(STATUS)
    states = updates.of_mail(str(tmp_path / "status"))
    assert set(states) == {"postfix", "dovecot-core", "libssl3t64", "rspamd"}
    finding, = updates.broken(states)
    assert finding.what == "not wholly installed: dovecot-core"


def test_updates_that_wait() -> None:
    assert list(updates.pending([], ["postfix"], False)) == []
    problem, = updates.pending(["dovecot-core", "postfix"], ["postfix"], False)
    assert (problem.severity, problem.what) == (PROBLEM, "security updates wait: dovecot-core, postfix")
    note, new = updates.pending(["postfix"], ["smallmail-server"], True)
    assert (note.severity, new.severity) == (NOTE, NOTE)
    assert "new version of smallmail-server" in new.what


@pytest.mark.parametrize(("age", "there", "expected"), [
    (3600.0, True, []), (8 * 86400.0, True, ["apt's package lists are old"]),
    (0.0, False, ["apt has no package lists"])])
def test_lists(age, there, expected) -> None:
    assert [each.what for each in updates.lists(age, there)] == expected


@pytest.mark.parametrize(("codename", "today", "expected"), [
    ("trixie", "2026-11-24", []), ("sid", "2026-11-24", []), ("", "2026-11-24", []),
    ("bookworm", "2026-11-24", ["Debian bookworm is out of regular support since 2026-06-10; its long-term support ends"
                                " 2028-06-30: upgrade to the next release"]),
    ("bullseye", "2026-11-24", ["Debian bullseye is out of regular support since 2024-08-14: upgrade to the next"
                                " release"])])
def test_support(codename, today, expected) -> None:
    assert [each.what for each in updates.support(RELEASES, codename, today)] == expected


@pytest.mark.parametrize(("wanted", "self_signed", "reason", "severities"), [
    ("self-signed", True, "", [NOTE]), ("letsencrypt", True, "", [NOTE]), ("letsencrypt", False, "", []),
    ("letsencrypt", True, "port 80 is taken by nginx", [PROBLEM]), ("letsencrypt", False, "not served", [PROBLEM]),
    ("files", False, "", [])])
def test_where_the_certificate_comes_from(wanted, self_signed, reason, severities) -> None:
    found = list(tls.source(wanted, self_signed, reason))
    assert [each.severity for each in found] == severities
    assert all(reason in each.why for each in found if reason)


@pytest.mark.parametrize(("names", "right"), [
    (["mx.example.org"], True), (["*.example.org"], True), (["*.org"], False), (["example.org"], False), ([], False)])
def test_the_name_in_the_certificate(names, right) -> None:
    assert (list(tls.name("mx.example.org", names)) == []) == right


def test_nobody_who_knows_policies() -> None:
    asked = "socketmap:inet:127.0.0.1:8461:postfix"
    assert not list(tls.policies(asked, "active")) + list(tls.policies("", "inactive"))
    finding, = tls.policies(asked, "inactive")
    assert finding.what == "postfix-mta-sts-resolver is inactive" and "waits" in finding.why


def test_resolvers(monkeypatch) -> None:
    monkeypatch.setattr(dns.resolver, "online", lambda kind: kind == "A")
    good, plain, dead = Asked(True, True), Asked(True, False), Asked(False, False)
    assert list(dns.resolvers({"127.0.0.1": good, "192.0.2.1": plain})) == []
    assert [each.severity for each in dns.resolvers({"192.0.2.1": plain})] == [NOTE]
    found, = dns.resolvers({"127.0.0.1": dead, "192.0.2.1": good})
    assert (found.what, found.type) == ("the DNS server 127.0.0.1 does not answer", "systemctl restart unbound")
    assert next(dns.resolvers({})).what == "/etc/resolv.conf names no DNS server"
    monkeypatch.setattr(dns.resolver, "online", lambda kind: False)
    assert [each.severity for each in dns.resolvers({"192.0.2.1": dead})] == [UNKNOWN]


def test_dkim_keys_are_looked_at_without_a_network(monkeypatch) -> None:
    class Nobody:
        def __init__(self, own: list[str]) -> None:
            pass

        def ask(self, name: str, kind: str) -> None:
            raise Unanswered("no name server answers")

    monkeypatch.setattr(dns, "Authority", Nobody)
    monkeypatch.setattr(dns.resolver, "servers", lambda words: [])
    monkeypatch.setattr(dns.rotation, "findings", lambda host, now: iter([TWO]))
    found = list(dns.findings(None, argparse.Namespace(resolver=[])))
    assert found.count(TWO) == 1
    assert found[-1] == Group("dns").unknown("the records in DNS: no name server answers")


ONE, TWO = Group("host").problem("one", "why", "type"), Group("dns").problem("two", "why", "type")


def test_what_changed() -> None:
    known = [("host", "one"), ("dns", "two")]
    assert letter.changes([], [ONE, TWO]) == ([ONE, TWO], [], known)
    assert letter.changes(known, [ONE._replace(why="other figures"), TWO]) == ([], [], known)
    assert letter.changes(known, [TWO]) == ([], [("host", "one")], [("dns", "two")])
    # Who could not ask does not know that it is gone.
    assert letter.changes(known, [ONE, Group("dns").unknown("the records in DNS")]) == ([], [], known)
    clock = Group("host").unknown("whether the clock is right", "the clock is wrong")
    assert letter.changes(known, [TWO, clock]) == ([], [("host", "one")], [("dns", "two")])
    assert letter.changes([("host", "the clock is wrong")], [clock]) == ([], [], [("host", "the clock is wrong")])
    assert letter.changes([], [Group("dns").note("something"), Group("dns").unknown("something")]) == ([], [], [])


def test_the_letter() -> None:
    assert letter.subject("mx.example.org", [ONE], []) == "mx.example.org: one"
    assert letter.subject("mx.example.org", [ONE, TWO], [("dns", "x")]) == "mx.example.org: 2 new problems, 1 solved"
    text = letter.letter([ONE], [("dns", "two")])
    assert "Problem: one\n  why\n  > type\n" in text and "No longer a problem:\n  two\n" in text


class Postbox(Host):
    """A host on which nothing runs; what it is told to run is kept."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.sent: list[str] = []
        self.down = False

    def run(self, command, text=""):
        if self.down:
            raise Problem("sendmail failed")
        self.sent.append(text)
        return ""


def test_days(tmp_path, monkeypatch) -> None:
    """A letter that could not be sent is sent the next day."""
    host = Postbox(str(tmp_path))
    found = [ONE]
    monkeypatch.setattr(in_force, "load_or_last", lambda _: argparse.Namespace(hostname="mx.example.org"))
    monkeypatch.setattr(check_run, "findings", lambda *_: found)
    host.down = True
    with pytest.raises(Problem):
        programs_daily.daily(host, [])
    host.down = False
    programs_daily.daily(host, [])
    programs_daily.daily(host, [])
    assert [each.splitlines()[1] for each in host.sent] == ["Subject: mx.example.org: one"]
    state = host.file(letter.PATH)
    assert state and (state.mode, json.loads(state.content.decode())) == (0o600, [["host", "one"]])
    found.clear()
    (tmp_path / letter.PATH).write_text("{not json")     # forgotten: nothing is known to be gone
    programs_daily.daily(host, [])
    assert len(host.sent) == 1


def test_a_group_that_fails_keeps_the_others(monkeypatch) -> None:
    def fails(host, settings):
        yield ONE
        raise Problem("the daemon is away")

    monkeypatch.setitem(check_run._CHECKS, "host", fails)
    monkeypatch.setitem(check_run._CHECKS, "dns", lambda host, settings: iter([TWO]))
    found = check_run.findings(None, None, ["dns", "host"])
    assert found == [ONE, Group("host").unknown("a part of host: the daemon is away"), TWO]
    assert findings.text(found).splitlines()[-1] == "Not checked: a part of host: the daemon is away"
    assert findings.text(found[1:2]).endswith("\nNo problem found.")


def test_a_group_that_there_is_not(tmp_path) -> None:
    with pytest.raises(Problem, match="there is no group 'hosts': there are host, dns, tls, ports, mail, reputation"):
        check.check(Host(str(tmp_path)), argparse.Namespace(groups=["dns", "hosts"]))
