"""The lab itself: what it makes is what it says, and nothing of it stays behind, however a runner ends."""
import os
import signal
import subprocess
import time
from pathlib import Path

import dkim
import pytest

from tests.lab import Chroot, LabError, Machine, Server, inside, roots
from tests.lab.groups import Group, hierarchies
from tests.lab.session import CACHE, NETNS, RUN

SOURCE = Path(__file__).parent.parent.parent
RUNNER = """
import sys, time
from tests.lab import World, roots
with World() as world, world.machine(roots.base("bookworm"), "mx.example.org", "203.0.113.10") as machine:
    disk, point = machine.tree.folder / "disk", machine.tree.folder / "point"
    machine.group.run(["sh", "-c", f"truncate -s 8M {disk} && mkfs.ext4 -q {disk} && mkdir {point}"
                                   f" && mount $(losetup --find --show {disk}) {point}"])
    print("up", flush=True)
    time.sleep(600)
"""
ANOTHER = "from tests.lab.session import current; current()"


def footprint(pid):
    """Whatever on this host carries the name of that runner's session."""
    folder = str(CACHE / "sessions" / str(pid))
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    loops = subprocess.run(["losetup", "--list"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    groups = [str(path) for top in hierarchies("cgroup2") + hierarchies("cgroup")
              for path in top.glob(f"smallmail-lab-{pid}")]
    links = subprocess.run(["ip", "-o", "link"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return {
        "processes": Group(f"smallmail-lab-{pid}").processes(),
        "groups": groups,
        "mounts": [line for line in mounts if folder in line],
        "loop devices": [line for line in loops.splitlines() if folder in line],
        "namespaces": [str(path) for path in NETNS.glob(f"smallmail-{pid}-*")],
        "interfaces": [line for line in links.splitlines() if "port" in line or "switch" in line],
        "folders": [path for path in (folder, str(RUN / str(pid))) if os.path.exists(path)],
    }


@pytest.fixture
def runner():
    """A process that has a world and a machine up."""
    process = subprocess.Popen(["/usr/bin/python3", "-c", RUNNER], cwd=SOURCE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"up\n", process.stderr.read().decode()
    seen = footprint(process.pid)
    assert all(seen[what] for what in seen if what != "interfaces"), seen
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_nothing_stays_after(runner, number, record):
    started = time.monotonic()
    runner.send_signal(number)
    runner.wait(timeout=60)
    record(f"cleaned up in {time.monotonic() - started:.1f} s")
    assert not any(footprint(runner.pid).values()), (footprint(runner.pid), runner.stderr.read().decode())


def test_the_next_runner_sweeps_after_one_that_was_killed(runner):
    runner.kill()
    runner.wait()
    assert any(footprint(runner.pid).values())
    subprocess.run(["/usr/bin/python3", "-c", ANOTHER], cwd=SOURCE, check=True)
    assert not any(footprint(runner.pid).values()), footprint(runner.pid)


def test_a_living_runner_is_left_alone(runner):
    subprocess.run(["/usr/bin/python3", "-c", ANOTHER], cwd=SOURCE, check=True)
    assert runner.poll() is None
    assert footprint(runner.pid)["processes"]


def test_machine_boots_reboots_and_goes(suite, world, record):
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


def test_a_machine_that_cannot_boot_says_why():
    def break_it(machine):
        machine.run("rm /sbin/init /lib/systemd/systemd")
    with pytest.raises(LabError, match=r"broken\.example\.com does not run\n.*"):
        Machine(roots.base("bookworm"), "broken.example.com", "203.0.113.98", prepare=break_it)


def test_chroot_starts_no_service_and_changes_no_root(suite):
    with Chroot(roots.base(suite)) as chroot:
        assert "denied" in chroot.run(["invoke-rc.d", "cron", "start"]).stderr
        assert not chroot.group.processes()
        chroot.write("/etc/mark", "mark")
    with Chroot(roots.base(suite)) as chroot:
        assert not (chroot.path / "etc/mark").exists()


def test_machine_asks_the_lab_for_names_and_finds_no_way_out(world):
    with world.machine(roots.base("bookworm"), "host.example.com", "203.0.113.97") as machine:
        assert "203.0.113.25" in machine.run(["getent", "ahosts", "mx.example.net"]).stdout
        started = time.monotonic()
        assert machine.run(["bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/25"], check=False).returncode != 0
        assert time.monotonic() - started < 2


def test_dns_is_signed_from_the_root(world):
    world.dns.set("example.com", "hello TXT \"first\"")
    assert world.dns.query("hello.example.com", "TXT") == ['"first"']
    world.dns.set("example.com", "hello TXT \"second\"")
    assert world.dns.query("hello.example.com", "TXT") == ['"second"']
    assert world.dns.is_secure("hello.example.com", "TXT")
    world.dns.remove("hello.example.com", "TXT")
    assert world.dns.query("hello.example.com", "TXT") == []


def test_exim_and_dkimpy_judge_signatures(world):
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


def test_a_refusal_is_told_as_it_was_said(world):
    server = Server("mx.example.net", "203.0.113.25")
    reply = world.send("bob@example.net", "carol@example.org", b"Subject: x\r\n\r\n", to=server,
                       client=world.client)
    assert reply == ("RCPT", 550, "relay not permitted")


def test_inside_comes_back(world):
    before = os.stat("/proc/thread-self/ns/net").st_ino
    with pytest.raises(KeyError), inside(world.client.namespace):
        assert os.stat("/proc/thread-self/ns/net").st_ino != before
        raise KeyError
    assert os.stat("/proc/thread-self/ns/net").st_ino == before
