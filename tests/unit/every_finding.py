"""Every finding that the code can make, by subject; test_every_finding.py looks for places that are missed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smallmail.backup import result as backup_result
from smallmail.bans import unit as bans_unit
from smallmail.check import status
from smallmail.check.groups import (
    dns,
    host as groups_host,
    mail,
    mailboxes,
    ports as groups_ports,
    reach,
    reputation,
    security,
    tls,
    updates,
)
from smallmail.check.probes import blocklists, outbound, queue
from smallmail.check.probes.outbound import Greeting, Target
from smallmail.configuration.plan import EDITED, SET, Change
from smallmail.daemons import listening
from smallmail.dkim import keys as dkim_keys, rotation
from smallmail.errors import Problem
from smallmail.findings import Finding, Group
from smallmail.folders import volume
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.machine.port_holders import Holder
from smallmail.machine.reach import Closed
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, rollover, served, tlsa
from smallmail.zones import asking, dns_check, dns_records, meaning, tlsa_check
from smallmail.zones.answers import Answer, Server, Unanswered, Zone
from smallmail.zones.resolver import Asked
from tests.golden import zones

NAME, OWN = "mx.example.org", ["203.0.113.10"]


def of_host() -> Iterator[Iterable[Finding]]:
    yield groups_host.names(NAME, "", "debian", "", [])
    yield groups_host.names(NAME, "mx", "debian", f"192.0.2.77 {NAME}", OWN)
    yield groups_host.names(NAME, "vps.example", "vps", "", OWN)
    for offset, contained in ((None, False), (90.0, False), (-90.0, True), (0.0, False)):
        yield groups_host.clock_judged(offset, contained)
    yield groups_host.full(groups_host.Space("/srv/all mail", 1, 1, 1 << 40, 1, 1 << 20))
    last = backup_result.Result(1, 1, "/var/backups/smallmail", 1, 1, 1, 1, "", 1, "")
    for repository, is_installed, timer, changed in (
            ("local", False, "active", last), ("local", True, "active", last._replace(error="no route to host")),
            ("local", True, "failed", last),
            ("local", True, "active", last._replace(begun=2)), ("local", True, "inactive", last),
            ("local", True, "active", last), ("local", True, "active", last._replace(when=1 << 40, note="x"))):
        units = {"smallmail-backup.timer": timer, "smallmail-backup.service": timer}
        yield backup_result.judged(changed, repository, is_installed, units, 1e9)
    yield groups_host.stopped({"postfix": "failed", "rspamd": "inactive", "dovecot": "activating"})
    yield groups_host.after_a_boot({"postfix": "masked", "dovecot": "disabled"})
    yield groups_host.failed({"certbot": "failed"})
    yield groups_host.timers(dict.fromkeys(["certbot", "smallmail-dkim", "smallmail-certificate", "smallmail-check"],
                                           "inactive"))
    yield groups_host.out_of_memory(json.dumps({"UNIT": "rspamd.service"}))
    for states, hindrance in (("inactive", "nftables is not installed"), ("active", "")):
        units = {unit: states for unit in (*bans_unit._UNITS, bans_unit._PACKETS)}
        yield bans_unit.judged(units, hindrance)
        yield bans_unit.judged({**dict.fromkeys(units, "failed"), bans_unit._UNITS[0]: states}, "")
    yield reach.judged([Closed("etc/a b", 0o700, 0o701, "etc/a b/c")])
    yield [volume.lost("/srv/mail")]
    yield [bans_unit.unreadable("/var/lib/smallmail/bans/list.json is too large to be what smallmail reads")]
    yield groups_host.restart(True)
    yield groups_host.drift([Change("parameters", "relayhost", SET, None, ""),
                             Change("parameters", "max_idle", EDITED, "1", "2")])
    yield groups_host.set_aside(["/etc/rspamd/local.d/x.conf.set-aside"])


def of_security() -> Iterator[Iterable[Finding]]:
    yield security.exposure({"dovecot": 9.0}, {"dovecot": ["/etc/systemd/system/dovecot.service.d/own.conf"]})
    yield security.reachable({25: "master", 6379: "redis-server"})
    yield security.stores(["redis-server"])
    yield security.held("failed", dovecot_runs=True)
    yield security.pretenders([Holder(11334, "nc", 9)])
    wanted, found = state.Permissions(0o600, "root", "root"), state.Permissions(0o644, "root", "mail")
    yield security.permissions([security.Kept("srv/all mail", wanted, found)])


def of_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Iterable[Finding]]:
    dead, plain = Asked(False, False), Asked(True, False)
    yield dns.resolvers({})
    for is_online in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(asking, "online", lambda kind, is_online=is_online: is_online)
            yield list(dns.resolvers({"127.0.0.1": dead, "192.0.2.1": dead}))
    yield dns.resolvers({"192.0.2.1": plain})
    yield [dns.unreachable("no name server answers")]


def of_zones() -> Iterator[Iterable[Finding]]:
    for name in zones.NAMES:
        yield dns_check.judge(zones.wanted(), zones.asking(zones.text(name)), zones.signed)
    good, one, two = zones.asking(zones.text("correct-extras")), Server("a", "192.0.2.1"), Server("b", "192.0.2.2")

    def disagree(name: str, kind: str) -> Answer:
        return good(name, kind)._replace(said={one: good(name, kind).values, two: ["other"]})

    def testing(name: str, kind: str) -> Answer:
        found = good(name, kind)
        return found._replace(values=[zones.KEY + "; t=y"]) if "_domainkey" in name else found

    def alone(name: str) -> Zone:
        return zones.healthy(name)._replace(name="com")

    def troubled(name: str) -> Zone:
        return zones.healthy(name)._replace(troubles={one: "does not answer"}, own=["other."], ds=True)

    def unverified(name: str) -> Zone:
        return zones.healthy(name)._replace(signed=True)

    yield dns_check.judge(zones.wanted(), zones.silent, zones.healthy)
    yield dns_check.judge(zones.wanted(addresses=[]), zones.asking(""), zones.healthy)
    yield dns_check.judge(zones.wanted(addresses=[]), good, zones.healthy)
    for zone in (alone, troubled, unverified):
        yield dns_check.judge(zones.wanted(), disagree, zone)
    record, other = dns_records.Record(f"new._domainkey.{zones.DOMAIN}", "TXT", zones.KEY, ""), zones.wanted()
    yield dns_check.judge(other._replace(records=[*other.records, record], unused=[record.name]), good, zones.healthy)
    yield dns_check.judge(zones.wanted(), testing, zones.healthy)
    old, new = [(b"old", b"old key")], [(b"new", b"new key")]
    values = [meaning.tlsa_value(old)]
    yield tlsa_check.judge(NAME, values, old, new, zones.healthy(NAME), True)
    yield tlsa_check.judge(NAME, values, new, [], zones.healthy(NAME), True)
    yield tlsa_check.judge(NAME, [*values, meaning.tlsa_value(new)], old, [], zones.healthy(NAME), True)
    yield tlsa_check.judge(NAME, [], old, [], zones.signed(NAME), True)


def of_tls() -> Iterator[Iterable[Finding]]:
    for wanted, is_self_signed, reason in (("self-signed", True, ""), ("letsencrypt", True, ""),
                                           ("letsencrypt", True, "port 80 is taken"), ("files", False, "no key")):
        yield tls.source(wanted, is_self_signed, reason)
    yield tls.name(NAME, [])
    yield tls.policies("socketmap:inet:127.0.0.1:8461:postfix", "inactive")
    yield tls.old_protocols({25: True})
    found = served.Certificate("CN=x", [NAME], "RSA 4096", 1000.0, "fingerprint")
    yield served.problems(found, {25: "", 465: "other", 993: ""}, 0.0)
    yield served.problems(found, {}, 2000.0)


def of_ports() -> Iterator[Iterable[Finding]]:
    target, silent = Target("mx.example.net", 25), Greeting(False, False, "does not answer")
    yield groups_ports.unseen(NAME)
    yield groups_ports.silent(OWN[0], list(listening.PUBLIC))
    yield groups_ports.port_80("nginx uses it")
    yield groups_ports.barred([25, 80])
    yield [groups_ports.unresolved("no DNS server answers")]
    yield groups_ports.blocked("IPv4", {}, True)
    yield groups_ports.blocked("IPv4", {target: Greeting(False, True, "says: 554 no")}, True)
    for is_online in (True, False):
        yield groups_ports.blocked("IPv6", {target: silent}, is_online)
    yield groups_ports.relay("[a]:587", [])
    yield groups_ports.relay("[a]:587", [(target, silent)])
    yield status.closed({str(port.number): False for port in listening.PORTS})
    assert outbound.RIGHT.is_right


def of_mail() -> Iterator[Iterable[Finding]]:
    row = "{}\tUser quota\tSTORAGE\t{}\t1048576\t{}\n"
    yield mail.quotas("head\n" + row.format("a@example.org", 1048576, 100) + row.format("b@example.org", 950000, 91))
    yield mail.scanner("", False)
    yield mail.scanner("<html>", True)
    yield mail.store()
    yield mail.unconverted(["the folders of /srv/mail/example.org/bob could not be converted (…: Permission denied);"
                            " nobody can open this mailbox now"])
    yield mail.relayhost(Settings({"relayhost": "[192.0.2.25]:587", "relay-username": "anna"}))
    yield mail.dovecot(["private/dovecot-lmtp"])
    yield mail.door({"": "451 later"}, [], [])
    yield mail.door({"postmaster@example.org": "550 no", "x@example.org": "250 ok"}, ["postmaster@example.org"],
                    ["x@example.org"])
    yield mail.relaying(OWN[0], "250 ok")
    yield mail.too_wide("0.0.0.0/0")
    yield [mailboxes.enotify("a@example.org"), mailboxes.crowded("a@example.org"), mailboxes.unseen(5)]
    waiting = [{"queue_name": name, "arrival_time": arrival, "recipients": [
        {"address": "bob@example.net", "delay_reason": "Connection timed out"}]}
        for name, arrival in (("hold", 0), ("deferred", 0), ("deferred", 99000))]
    yield queue.judge(waiting, 100000.0, 14400.0)


def of_reputation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings) -> Iterator[Iterable[Finding]]:
    class Nobody:
        def __init__(self, own: list[str]) -> None:
            self.own = own

        def ask(self, name: str, kind: str) -> None:
            raise Unanswered("no name server answers")

    with monkeypatch.context() as patch:
        patch.setattr(asking, "authority", Nobody)
        patch.setattr(asking, "resolver", lambda address: Asked(False, False))
        yield list(reputation.findings(Host(str(tmp_path)), settings))
    yield reputation.generic(OWN[0], ["ip-203-0-113-10.provider.example"])
    yield reputation.behind_nat(NAME)
    questions = blocklists.questions(OWN, ["example.org"])
    yield blocklists.judge({key: ["127.0.0.2"] if key[1] != "never" else [] for key in questions}, "asked by 192.0.2.1")
    yield blocklists.judge({key: ["127.255.255.254"] for key in questions}, "asked by 192.0.2.1")
    yield blocklists.judge({key: None for key in questions}, "asked by 192.0.2.1")
    yield blocklists.judge({key: ["127.0.0.2"] if key[1] == "always" else [] if key[1] == "never" else None
                            for key in questions}, "asked by 192.0.2.1")


def of_updates() -> Iterator[Iterable[Finding]]:
    for by_itself in (True, False):
        yield updates.pending(["postfix"], ["smallmail-server"], by_itself)
        yield updates.automatic(by_itself)
    yield updates.lists(9e9, True)
    yield updates.lists(0.0, False)
    yield updates.broken({"postfix": "unpacked"})
    yield updates.support("series,eol,eol-lts\nbookworm,2026-06-10,2028-06-30\n", "bookworm", "2026-11-26")


def of_keys(tmp_path: Path) -> Iterator[Iterable[Finding]]:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text("".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 3.12.1-1\n\n"
        for name in ("postfix", "dovecot-core", "rspamd")))
    host = Host(str(tmp_path))
    dkim_keys.ensure(host, ["example.org"])
    (tmp_path / state.DKIM_SIGNING).parent.mkdir(parents=True, exist_ok=True)
    trouble = json.dumps({"trouble": "Rspamd signs mail from example.org with nothing"})
    (tmp_path / state.DKIM_SIGNING).write_text(trouble)
    with dkim_keys.changing(host) as keys:
        keys.append(keys[0]._replace(selector="old", state="old", left=1.0))
    yield rotation.judge(host, 4e9)
    host.remove(dkim_keys.path(dkim_keys.load(host)[0]))
    yield rotation.judge(host, 0.0)


def of_rollover(tmp_path: Path) -> Iterator[Iterable[Finding]]:
    host = Host(str(tmp_path))
    host.directory("var/lib/smallmail")
    host.directory("own")
    settings = Settings({"hostname": NAME, "domain": "example.org", "address": "alice@example.org", "certificate":
                         "files", "certificate-file": "/own/cert.pem", "key-file": "/own/key.pem"})
    folders = []
    for _ in range(2):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=own", "-days", "20", "-keyout", host.path("own/key.pem"), "-out",
                        host.path("own/cert.pem")], check=True, stderr=subprocess.DEVNULL)
        folders.append(certificate.ensure(host, settings))
    values = [meaning.tlsa_value(certificate.chain(host, f"{state.TLS}/{folder}")) for folder in folders]
    for seen in ([values[0]], values):
        known: Any = tlsa._seen(None, [seen], 60, True, 1000.0)
        tlsa.remember(host, NAME, secure=True, names={tlsa.names(NAME)[0]: known}, waits=folders[1])
        yield list(rollover.findings(host, settings))


def of_groups() -> Iterator[Iterable[Finding]]:
    def fails() -> Iterator[Finding]:
        raise Problem("a daemon is away")
        yield

    yield Group("host").all_of(fails())


def of_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Iterable[Finding]]:
    settings = Settings({"hostname": NAME, "domain": "example.org", "address": "alice@example.org", "resolver":
                         "192.0.2.53"})
    for part in (of_host(), of_security(), of_dns(monkeypatch), of_zones(), of_tls(), of_ports(), of_mail(),
                 of_updates(), of_groups(), of_reputation(monkeypatch, tmp_path, settings), of_keys(tmp_path / "keys"),
                 of_rollover(tmp_path / "rollover")):
        yield from part
