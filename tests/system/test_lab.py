"""The lab itself: machines, chroots, names and judges are what they claim to be."""

from __future__ import annotations

import os
import time

import dkim
import pytest

from tests.lab import Chroot, LabError, Machine, Server, World, inside, roots
from tests.support.fixtures import Record


def test_machine_boots_reboots_and_goes(suite: str, world: World, record: Record) -> None:
    started = time.monotonic()
    with world.machine(roots.base(suite), "host.example.com", "203.0.113.99") as machine:
        booted = time.monotonic() - started
        assert machine.run("hostname -f").stdout == "host.example.com\n"
        assert machine.run("systemctl --failed --quiet").stdout == ""
        machine.write("/root/kept", "kept")
        started, before = time.monotonic(), machine.leader()
        machine.reboot()
        rebooted = time.monotonic() - started
        assert machine.leader() != before
        assert machine.read("/root/kept") == "kept"
        memory = machine.memory()
        assert 5_000 < memory.total < 100_000
        assert {"systemd", "cron"} <= set(memory.by_name)
        started = time.monotonic()
    record(f"boot {booted:.1f} s, reboot {rebooted:.1f} s, removal {time.monotonic() - started:.1f} s, "
           f"idle {memory.total // 1024} MiB")


def test_a_machine_that_cannot_boot_says_why() -> None:
    def break_it(machine: Machine) -> None:
        machine.run("rm /sbin/init /lib/systemd/systemd")
    with pytest.raises(LabError, match=r"broken\.example\.com does not run\n.*"):
        Machine(roots.base("bookworm"), "broken.example.com", "203.0.113.98", prepare=break_it)


def test_chroot_starts_no_service_and_changes_no_root(suite: str) -> None:
    with Chroot(roots.base(suite)) as chroot:
        assert "denied" in chroot.run(["invoke-rc.d", "cron", "start"]).stderr
        assert not chroot.group.processes()
        chroot.write("/etc/mark", "mark")
    with Chroot(roots.base(suite)) as chroot:
        assert not (chroot.path / "etc/mark").exists()


def test_machine_asks_the_lab_for_names_and_finds_no_way_out(world: World) -> None:
    with world.machine(roots.base("bookworm"), "host.example.com", "203.0.113.97") as machine:
        assert "203.0.113.25" in machine.run(["getent", "ahosts", "mx.example.net"]).stdout
        started = time.monotonic()
        assert machine.run(["bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/25"], check=False).returncode != 0
        assert time.monotonic() - started < 2


def test_dns_is_signed_from_the_root(world: World) -> None:
    world.dns.set("example.com", "hello TXT \"first\"")
    assert world.dns.query("hello.example.com", "TXT") == ['"first"']
    world.dns.set("example.com", "hello TXT \"second\"")
    assert world.dns.query("hello.example.com", "TXT") == ['"second"']
    assert world.dns.is_secure("hello.example.com", "TXT")
    world.dns.remove("hello.example.com", "TXT")
    assert world.dns.query("hello.example.com", "TXT") == []


def test_exim_and_dkimpy_judge_signatures(world: World) -> None:
    """A good and a forged signature, sent to the foreign server."""
    key = world.chroot.read("/etc/exim4/dkim.key").encode()
    body = b"From: bob@example.net\r\nTo: carol@example.net\r\nSubject: %s\r\n\r\nhello\r\n"
    good = dkim.sign(body % b"good", b"lab", b"example.net", key) + body % b"good"
    forged = good.replace(b"good", b"forged").replace(b"hello", b"money")
    server = Server("mx.example.net", "203.0.113.25")
    for message, subject, verdict in ((good, "good", "pass"), (forged, "forged", "fail")):
        reply = world.send("bob@example.net", "carol@example.net", message, to=server, client=world.client)
        assert reply.code == 250, reply
        received = world.foreign.expect("carol@example.net", subject)
        assert f"X-DKIM-Verdict: {verdict} d=example.net s=lab".encode() in received
        assert world.verify_dkim(received) is (verdict == "pass")


def test_a_refusal_is_told_as_it_was_said(world: World) -> None:
    server = Server("mx.example.net", "203.0.113.25")
    reply = world.send("bob@example.net", "carol@example.org", b"Subject: x\r\n\r\n", to=server,
                       client=world.client)
    assert reply == ("RCPT", 550, "relay not permitted")


def test_inside_comes_back(world: World) -> None:
    before = os.stat("/proc/thread-self/ns/net").st_ino
    with pytest.raises(KeyError), inside(world.client.namespace):
        assert os.stat("/proc/thread-self/ns/net").st_ino != before
        raise KeyError
    assert os.stat("/proc/thread-self/ns/net").st_ino == before
