"""The check of the machine: what is judged a problem, and what is not."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from smallmail.check.groups import host
from smallmail.check.probes import clock
from smallmail.configuration.plan import EDITED, SET, Change
from smallmail.findings import NOTE, PROBLEM, UNKNOWN, Finding
from smallmail.machine.host import Host

NAME = "mx.example.org"
OWN = ["127.0.0.1"]     # an address that this host has for certain, in the place of its public one


def whats(found: Iterable[Finding]) -> list[str]:
    return [finding.what for finding in found]


@pytest.mark.parametrize(("full", "node", "hosts", "own"), [
    (NAME, "mx", "127.0.0.1 localhost\n127.0.0.1 mx.example.org mx\n", OWN),
    (NAME, "mx.example.org", "127.0.1.1 mx.example.org mx\n", OWN),     # as Debian's installer leaves it
    ("MX.example.org", "mx", "", OWN),      # known by DNS
    (NAME, "mx", "198.51.100.7 mx.example.org mx\n", []),               # the public one, behind NAT
    (NAME, "mx", "# 198.51.100.7 mx.example.org\nfe80::1%eth0 mx.example.org\n", OWN),
])
def test_a_host_that_knows_its_name(full: str, node: str, hosts: str, own: list[str]) -> None:
    assert list(host.names(NAME, full, node, hosts, own)) == []


def test_a_host_that_does_not() -> None:
    nameless, = host.names(NAME, "", "debian", "", ["198.51.100.7"])
    assert nameless.what == "the host does not know its full name: 'hostname -f' fails"
    assert nameless.advice == "Put '198.51.100.7 mx.example.org mx' into /etc/hosts."
    assert nameless.commands == ["hostnamectl set-hostname mx"]
    short, = host.names(NAME, "localhost", "mx", "127.0.0.1 localhost mx.example.org mx\n", OWN)
    assert short.what == "'hostname -f' says localhost, and not mx.example.org"
    assert "hostnamectl" not in str(short.commands)
    other, = host.names(NAME, "vps1.provider.example", "vps1", "", OWN)   # as its admin wants it, perhaps
    assert (other.severity, other.what) == (NOTE, "'hostname -f' says vps1.provider.example, and not mx.example.org:"
                                            " programs other than Postfix use that name")
    moved, = host.names(NAME, NAME, "mx", "198.51.100.7 mx.example.org mx\n", OWN)
    assert moved.what == "/etc/hosts has 198.51.100.7 for mx.example.org, which is not an address of this host"


GIB = 1 << 30


@pytest.mark.parametrize(("free", "size", "inodes_free", "inodes", "expected"), [
    (100 * GIB, 4000 * GIB, 9, 10, []),         # 2.5 per cent of a large disk are much
    (1 * GIB, 40 * GIB, 9, 10, ["the disk under /srv/mail is nearly full"]),
    (30 * GIB, 40 * GIB, 0, 0, []),             # btrfs has no number of inodes
    (30 * GIB, 40 * GIB, 10, 1000, ["the disk under /srv/mail has hardly any inodes left"]),
])
def test_room(free: int, size: int, inodes_free: int, inodes: int, expected: list[str]) -> None:
    room = host.Space("/srv/mail", 1, free, size, inodes_free, inodes)
    assert whats(host.full(room)) == expected


def test_room_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    here = host.space(Host(str(tmp_path)), "/srv/mail")
    assert here.size > here.free > 0


def test_services_and_timers() -> None:
    assert whats(host.stopped({"rspamd": "failed", "dovecot": "active", "postfix": "reloading"})) == \
        ["rspamd has failed"]
    words = {"smallmail-redis": "static", "rspamd": "enabled", "dovecot": "disabled", "postfix": "masked"}
    dovecot, postfix = host.after_a_boot(words)
    assert (dovecot.what, dovecot.commands) == ("dovecot does not start with the machine: it is disabled",
                                                ["systemctl enable dovecot"])
    assert postfix.commands == ["systemctl unmask postfix", "systemctl enable postfix"]
    assert whats(host.timers({"certbot": "inactive", "smallmail-check": "active"})) == \
        ["certbot.timer is not running"]
    assert whats(host.failed({"certbot": "failed", "smallmail-certificate": "inactive"})) == \
        ["certbot.service failed when it last ran"]


def test_memory_that_ran_out() -> None:
    """As 'journalctl -o json' of trixie has it."""
    lines = [json.dumps({"MESSAGE_ID": "fe6faa94e7774663a0da52717891d8ef", "UNIT": unit, "PRIORITY": "4", "MESSAGE":
                         unit + ": A process of this unit has been killed by the OOM killer."})
             for unit in ("rspamd.service", "rspamd.service", "postfix@-.service", "nginx.service")]
    assert whats(host.out_of_memory("\n".join(lines))) == [
        "memory ran out: the kernel ended a process of postfix",
        "memory ran out: the kernel ended a process of rspamd"]
    assert list(host.out_of_memory("")) == []


def test_drift() -> None:
    to_do = Change("parameters", "relayhost", SET, None, "")
    by_hand = Change("files", "etc/rspamd/local.d/arc.conf", EDITED, None, None)
    problem, note = host.drift([to_do, by_hand])
    assert (problem.severity, problem.why, problem.commands) == (PROBLEM, "main.cf: relayhost: create",
                                                                 ["smallmail plan", "smallmail apply"])
    assert (note.severity, note.what) == (
        NOTE, "/etc/rspamd/local.d/arc.conf: changed by hand: smallmail keeps your version")


def test_many_changes_by_hand_are_one_note() -> None:
    changes = [Change("parameters", f"name{number}", EDITED, "a", "b") for number in range(85)]
    note, = host.drift(changes)
    assert note.what.startswith("85 settings differ from what smallmail wrote, and smallmail will not touch them")


@pytest.mark.parametrize(("offset", "contained", "severities"), [
    (None, False, [UNKNOWN]), (0.4, False, [NOTE]), (-2.0, True, []), (3600.0, False, [PROBLEM]),
    (-3600.0, True, [PROBLEM]),
])
def test_a_clock_that_nothing_keeps_right(offset: float | None, contained: bool, severities: list[str]) -> None:
    assert [finding.severity for finding in host.clock_judged(offset, contained)] == severities


@pytest.mark.parametrize(("head", "stratum", "told"), [(0x24, 2, True), (0x24, 0, False), (0x23, 2, False)])
def test_a_time_server(head: int, stratum: int, told: bool) -> None:
    """A kiss of death (stratum 0) and what is no answer tell no time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def answer() -> None:
            _, client = server.recvfrom(48)
            now = time.time() + 100.5 + 2208988800
            server.sendto(bytes([head, stratum]) + bytes(38) + struct.pack("!II", int(now), int(now % 1 * 2**32)),
                          client)

        thread = threading.Thread(target=answer)
        thread.start()
        offset = clock.offset("127.0.0.1", server.getsockname()[1])
        thread.join()
    assert (offset is not None and abs(offset - 100.5) < 1) == told


def test_no_time_server() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert clock.offset("127.0.0.1", port) is None
    assert clock.synchronised() in (True, False)
