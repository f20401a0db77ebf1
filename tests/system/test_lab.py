"""The lab itself: what it makes is what it says, and nothing of it stays behind, however a runner ends."""
import os
import signal
import subprocess
import time
from pathlib import Path

import dkim
import pytest

from tests.lab import Chroot, LabError, Machine, Server, inside, roots, until
from tests.lab.groups import Group, hierarchies
from tests.lab.session import CACHE, NETNS, RUN

SOURCE = Path(__file__).parent.parent.parent
RUNNER = """
import os, sys
from tests.lab import World, roots
with World() as world, world.machine(roots.base("bookworm"), "mx.example.org", "203.0.113.10") as machine:
    disk, point = machine.tree.folder / "disk", machine.tree.folder / "point"
    machine.group.run(["sh", "-c", f"truncate -s 8M {disk} && mkfs.ext4 -q {disk} && mkdir {point}"
                                   f" && mount $(losetup --find --show {disk}) {point}"])
    print("up", flush=True)
    exec(sys.stdin.readline())
"""
ANOTHER = "from tests.lab.session import current; current()"
HALF_MADE = """
from tests.lab import LabError, Machine, Namespace, World, roots, session, world
def broken(*given):
    raise LabError("broken")
world.Foreign = broken
for make in (World, lambda: Machine(roots.base("bookworm"), "mx.example.org", "203.0.113.10")):
    port = Namespace("other", "203.0.113.10")
    try:
        make()
    except LabError:
        port.close()
    else:
        raise AssertionError(make)
print(*session.current().left(), sep="\\n")
"""
TESTS = """
import os, pathlib, time
import pytest
from tests.lab import roots
from tests.lab.session import current

@pytest.fixture
def machine(world):
    pathlib.Path(os.environ["PIDS"], f"pid.{os.getpid()}").touch()
    return world.machine(roots.base("bookworm"), "mx.example.org", "203.0.113.10")
"""
BROKEN = TESTS + """
@pytest.fixture
def breaks(machine):
    raise RuntimeError("set-up broke")

@pytest.fixture
def breaks_late(world):
    pathlib.Path(os.environ["PIDS"], f"pid.{os.getpid()}").touch()
    yield
    raise RuntimeError("teardown broke")

def test_killed(machine):
    os.kill(os.getpid(), 9)

def test_breaks(breaks):
    pass

def test_breaks_late(breaks_late):
    pass

def test_exits(machine):
    os._exit(1)
"""
STUCK = TESTS + """
import subprocess
from tests.lab.mounts import mount

def test_stuck():
    pathlib.Path(os.environ["PIDS"], f"pid.{os.getpid()}").touch()
    point = current().folder / "point"
    point.mkdir()
    mount("-t", "tmpfs", "tmpfs", point)
    visitor = subprocess.Popen(["sleep", "300"], cwd=point, start_new_session=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pathlib.Path(os.environ["PIDS"], "visitor").write_text(str(visitor.pid))
"""
HANGING = TESTS + """
@pytest.fixture
def hangs(machine):
    yield
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            continue

def test_hangs(hangs):
    pass
"""


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
        "reaper": reapers(pid),
        "groups": groups,
        "mounts": [line for line in mounts if folder in line],
        "loop devices": [line for line in loops.splitlines() if folder in line],
        "namespaces": [str(path) for path in NETNS.glob(f"smallmail-{pid}-*")],
        "interfaces": [line for line in links.splitlines() if "port" in line or "switch" in line],
        "folders": [path for path in (folder, str(RUN / str(pid))) if os.path.exists(path)],
    }


def reapers(pid):
    """The processes that are to sweep that runner's session."""
    found = subprocess.run(["pgrep", "-f", rf"tests\.lab\.reaper {pid} "], stdout=subprocess.PIPE, check=False,
                           encoding="ascii").stdout
    return [int(line) for line in found.splitlines()]


def wait_for_nothing(pid):
    """What is swept after a runner's end is gone soon."""
    until(lambda: not any(footprint(pid).values()), "nothing to be left", 60, lambda: str(footprint(pid)))


@pytest.fixture
def runner():
    """A process that has a world and a machine up, and then does as it is told."""
    process = subprocess.Popen(["/usr/bin/python3", "-c", RUNNER], cwd=SOURCE, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(1)"])
def test_nothing_stays_however_a_runner_ends(runner, end, record):
    started = time.monotonic()
    runner.communicate(end.encode() + b"\n")
    ended = time.monotonic() - started
    wait_for_nothing(runner.pid)
    record(f"ended after {ended:.1f} s, nothing left after {time.monotonic() - started:.1f} s")


def test_nothing_stays_on_a_busy_machine(runner, record):
    """Its processes compete with ten that do nothing else than count."""
    busy = [subprocess.Popen(["timeout", "60", "sh", "-c", "while :; do :; done"]) for _ in range(10)]
    try:
        started = time.monotonic()
        runner.terminate()
        runner.wait(timeout=60)
        assert not any(footprint(runner.pid).values()), (footprint(runner.pid), runner.stderr.read().decode())
        record(f"cleaned up in {time.monotonic() - started:.1f} s")
    finally:
        for each in busy:
            each.terminate()
            each.wait()


def test_what_cannot_be_removed_yet_keeps_nothing_else(runner):
    """Somebody's working directory is in a mount: that is tried again, and all else has gone."""
    folder = CACHE / "sessions" / str(runner.pid)
    point, = folder.glob("*/point")
    visitor = subprocess.Popen(["sleep", "300"], cwd=point)
    try:
        runner.kill()
        runner.wait()
        until(lambda: [what for what, there in footprint(runner.pid).items() if there] == [
            "reaper", "mounts", "loop devices", "folders"], "all else to go", 60, lambda: str(footprint(runner.pid)))
        subprocess.run(["/usr/bin/python3", "-c", ANOTHER], cwd=SOURCE, check=True)
        assert reapers(runner.pid), "the next runner leaves it to the reaper"
    finally:
        visitor.kill()
        visitor.wait()
    wait_for_nothing(runner.pid)


def test_what_is_half_made_goes_at_once():
    """A world that cannot be finished, and a machine whose address another one has."""
    left = subprocess.run(["/usr/bin/python3", "-c", HALF_MADE], cwd=SOURCE, check=True, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout.splitlines()
    assert {line.split()[0] for line in left} == {"control", "folder", "network"}, left
    assert [line for line in left if line.startswith("network")] == [
        line for line in left if line.endswith("-switch")], left


@pytest.fixture
def pytest_run(tmp_path):
    """Runs of pytest in processes that share the work, with the hooks and fixtures of this suite; `pids` names the
    processes that did tests."""
    def start(tests):
        folder = tmp_path / "tests/system"
        folder.mkdir(parents=True)
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = xdist_group\n", encoding="ascii")
        (folder / "test_it.py").write_text(tests, encoding="utf-8")
        words = ["-B", "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-n", "2", folder]
        process = subprocess.Popen(["/usr/bin/python3", *words], cwd=tmp_path, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, encoding="utf-8",
                                   env={**os.environ, "PYTHONPATH": str(SOURCE), "PIDS": str(tmp_path)})
        started.append(process)
        return process
    started = []
    start.folder = tmp_path
    start.pids = lambda: [int(file.suffix[1:]) for file in tmp_path.glob("pid.*")]
    yield start
    for process in started:
        process.kill()
        process.wait()


def test_nothing_stays_of_workers_that_end_and_of_fixtures_that_fail(pytest_run, record):
    started = time.monotonic()
    said = (run := pytest_run(BROKEN)).communicate(timeout=300)[0]
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, said
    for words in ("crashed while running 'tests/system/test_it.py::test_killed'",
                  "crashed while running 'tests/system/test_it.py::test_exits'", "2 failed, 1 passed, 2 errors",
                  "set-up broke", "teardown broke"):
        assert words in said, said
    assert said.splitlines()[-1] == "The lab has left nothing behind."
    assert len(pytest_run.pids()) >= 3
    for pid in pytest_run.pids():
        assert not any(footprint(pid).values()), footprint(pid)
    record(f"{len(pytest_run.pids())} workers, {time.monotonic() - started:.0f} s")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["SIGINT", "SIGKILL"])
def test_nothing_stays_when_the_first_process_ends_before_its_workers(pytest_run, number, record):
    """They hang in a teardown and are killed by xdist, or end themselves some time after the first."""
    run = pytest_run(HANGING)
    until(pytest_run.pids, "a test to run", 60)
    run.send_signal(number)
    started = time.monotonic()
    said = run.communicate(timeout=120)[0]
    if number == signal.SIGINT:
        assert said.splitlines()[-1] == "The lab has left nothing behind."
    for pid in pytest_run.pids():
        wait_for_nothing(pid)
    record(f"nothing left after {time.monotonic() - started:.0f} s")


@pytest.mark.slow
def test_what_is_left_is_named_and_fails_the_run(pytest_run, monkeypatch):
    """A program that the lab does not know of has its working directory in a mount of the lab."""
    monkeypatch.setenv("SMALLMAIL_LAB_PATIENCE", "1")
    said = (run := pytest_run(STUCK)).communicate(timeout=120)[0]
    pid, = pytest_run.pids()
    folder = CACHE / "sessions" / str(pid)
    try:
        assert run.returncode == pytest.ExitCode.TESTS_FAILED, said
        assert "1 passed" in said and "The lab has left behind:\n" in said
        assert f"left: mount {folder}/point\n" in said
    finally:
        os.kill(int((pytest_run.folder / "visitor").read_text(encoding="ascii")), signal.SIGKILL)
    subprocess.run(["/usr/bin/python3", "-c", ANOTHER], cwd=SOURCE, check=True)
    assert not any(footprint(pid).values()), footprint(pid)


def test_the_next_runner_sweeps_after_one_that_was_killed(runner):
    """And with it its reaper."""
    for reaper in reapers(runner.pid):
        os.kill(reaper, signal.SIGKILL)
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
