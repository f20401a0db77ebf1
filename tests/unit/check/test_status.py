"""The screen of `smallmail status`: figures with units, lines of 80 columns, one problem for one cause."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from smallmail import findings
from smallmail.check import status
from smallmail.check.groups import host as groups_host, mail, ports
from smallmail.check.status import Status
from smallmail.daemons import listening
from smallmail.machine.host import Host
from smallmail.machine.port_holders import Listener
from smallmail.tls import served

DISK = groups_host.Space("/srv/mail", 1, 69668 << 20, 258019 << 20, 9, 10)
DATA: dict[str, Any] = {
    "hostname": "mx.example.test",
    "services": OrderedDict([("smallmail-redis", "active"), ("rspamd", "active"), ("dovecot", "active"),
                             ("postfix", "active")]),
    "ports": OrderedDict([("25", True), ("465", True), ("587", True), ("993", True), ("11334", True)]),
    "local_ports": ["11334"],
    "certificate": "self-signed, valid until 2036-11-23 12:35; no Let's Encrypt certificate yet (details: smallmail"
                   " certificate status)",
    "queue": OrderedDict([("active", 0), ("deferred", 0)]),
    "disk": DISK._asdict(), "domains": ["example.test"], "mailboxes": 1, "aliases": 4, "changed_by_hand": [],
}


def test_messages_are_counted_and_no_link_is_followed(tmp_path: Path) -> None:
    queue = tmp_path / "var/spool/postfix/deferred"
    for folder, names in (("A", ["A1B2", "A3C4"]), ("0", ["04D5"]), ("0/E", ["0E12", "0E13"])):
        (queue / folder).mkdir(parents=True)
        for name in names:
            (queue / folder / name).touch()
    (queue / "4cXyZ").touch()
    os.chown(queue, 1001, -1)
    (queue / "C").symlink_to("/")
    os.mkfifo(queue / "D")
    assert status.messages(Host(str(tmp_path)), "deferred") == 6
    assert status.messages(Host(str(tmp_path)), "hold") == 0


def test_a_right_host() -> None:
    assert status.screen(Status(DATA, [])).splitlines() == [
        "Host          mx.example.test",
        "Services      smallmail-redis active, rspamd active, dovecot active, postfix",
        "              active",
        "Ports         25 open, 465 open, 587 open, 993 open, 11334 local",
        "Certificate   self-signed, valid until 2036-11-23 12:35; no Let's Encrypt",
        "              certificate yet (details: smallmail certificate status)",
        "Queue         empty",
        "Disk          68 GiB of 252 GiB free (/srv/mail)",
        "Accounts      1 mailbox, 4 aliases in example.test"]


def test_what_was_changed_by_hand_is_named_unless_it_is_much() -> None:
    few = status.screen(Status({**DATA, "changed_by_hand": ["main.cf: a: changed by hand"]}, []))
    assert few.endswith("\nBy hand\n  main.cf: a: changed by hand")
    many = status.screen(Status({**DATA, "changed_by_hand": ["main.cf: a: changed by hand"] * 85}, []))
    assert many.endswith("\nBy hand\n  85 settings differ from what smallmail wrote, and smallmail will not touch\n"
                         "  them ('smallmail plan' lists them)")


def test_a_stopped_postfix_is_one_problem() -> None:
    found = list(groups_host.stopped({"postfix": "failed", "dovecot": "active"}))
    found += status.closed({"25": False, "587": False, "993": True})
    screen = status.screen(Status(DATA, found))
    assert screen.count("Problem: ") == 1
    assert screen.endswith("""
Problem: postfix has failed
  Mail is not delivered correctly while it is down.
  > journalctl -u postfix
  > systemctl restart postfix
  This explains: nothing answers on port 25, 587""")


def test_a_port_that_only_this_host_reaches_is_not_open() -> None:
    listeners = [Listener(25, "127.0.0.1", "1", True), Listener(11334, "127.0.0.1", "2", False),
                 Listener(11334, "::1", "3", False), Listener(993, "::1", "4", False),
                 Listener(993, "203.0.113.10", "5", False), Listener(9, "127.0.0.1", "6", False)]
    assert status.local(listeners, ["25", "587", "993", "11334"]) == ["11334"]


def test_a_postfix_that_runs_and_is_silent_is_one_problem() -> None:
    """systemd takes it for active, as Debian 12's postfix.service is after 'postfix stop'."""
    now = time.time()
    shown = {port.number: "" for port in listening.SHOWING_CERTIFICATE if port.daemon == "postfix"}
    good = served.Certificate(*[""] * len(served.Certificate._fields))._replace(
        until=now + 1e7, fingerprint="x")       # type: ignore[call-arg, arg-type]
    found = served.problems(good, shown, now)
    found += ports.silent("192.0.2.1 and 2001:db8::1", [port for port in listening.PUBLIC if port.daemon == "postfix"])
    found += mail.door({"": "Connection refused"}, [], [])
    (one, explained), = findings.folded(found)
    assert one.what == "Postfix does not respond correctly at 192.0.2.1 and 2001:db8::1, port 25, 465, 587"
    assert [each.what for each in explained] == ["no certificate is shown on port 25 and 465",
                                                 "port 25 does not accept mail"]
    stopped = list(groups_host.stopped({"postfix": "failed"}))
    assert [each.what for each, _ in findings.folded(stopped + found)] == ["postfix has failed"]
