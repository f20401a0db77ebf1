"""Nothing of the lab stays behind, however a runner ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import until
from tests.lab.session import CACHE
from tests.support.fixtures import Record
from tests.support.footprint import footprint, reapers, wait_for_nothing

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


@pytest.fixture
def runner() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has a world and a machine up, and then does as it is told."""
    process = subprocess.Popen(["/usr/bin/python3", "-c", RUNNER], cwd=SOURCE, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    assert process.stdout.readline() == b"up\n", process.stderr.read().decode()
    seen = footprint(process.pid)
    assert all(seen[what] for what in seen if what != "interfaces"), seen
    yield process
    process.kill()
    process.wait()


def errors(runner: subprocess.Popen[bytes]) -> str:
    """Return what a runner has printed as errors."""
    return runner.stderr.read().decode() if runner.stderr else ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_nothing_stays_after(runner: subprocess.Popen[bytes], number: int, record: Record) -> None:
    started = time.monotonic()
    runner.send_signal(number)
    runner.wait(timeout=60)
    record(f"cleaned up in {time.monotonic() - started:.1f} s")
    assert not any(footprint(runner.pid).values()), (footprint(runner.pid), errors(runner))


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(1)"])
def test_nothing_stays_however_a_runner_ends(runner: subprocess.Popen[bytes], end: str, record: Record) -> None:
    started = time.monotonic()
    runner.communicate(end.encode() + b"\n")
    ended = time.monotonic() - started
    wait_for_nothing(runner.pid)
    record(f"ended after {ended:.1f} s, nothing left after {time.monotonic() - started:.1f} s")


def test_nothing_stays_on_a_busy_machine(runner: subprocess.Popen[bytes], record: Record) -> None:
    """Its processes compete with ten that do nothing else than count."""
    busy = [subprocess.Popen(["timeout", "60", "sh", "-c", "while :; do :; done"]) for _ in range(10)]
    try:
        started = time.monotonic()
        runner.terminate()
        runner.wait(timeout=60)
        assert not any(footprint(runner.pid).values()), (footprint(runner.pid), errors(runner))
        record(f"cleaned up in {time.monotonic() - started:.1f} s")
    finally:
        for each in busy:
            each.terminate()
            each.wait()


def test_what_cannot_be_removed_yet_keeps_nothing_else(runner: subprocess.Popen[bytes]) -> None:
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


def test_what_is_half_made_goes_at_once() -> None:
    """A world that cannot be finished, and a machine whose address another one has."""
    left = subprocess.run(["/usr/bin/python3", "-c", HALF_MADE], cwd=SOURCE, check=True, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout.splitlines()
    assert {line.split()[0] for line in left} == {"control", "folder", "network"}, left
    assert [line for line in left if line.startswith("network")] == [
        line for line in left if line.endswith("-switch")], left


def test_the_next_runner_sweeps_after_one_that_was_killed(runner: subprocess.Popen[bytes]) -> None:
    """And with it its reaper."""
    for reaper in reapers(runner.pid):
        os.kill(reaper, signal.SIGKILL)
    runner.kill()
    runner.wait()
    assert any(footprint(runner.pid).values())
    subprocess.run(["/usr/bin/python3", "-c", ANOTHER], cwd=SOURCE, check=True)
    assert not any(footprint(runner.pid).values()), footprint(runner.pid)


def test_a_living_runner_is_left_alone(runner: subprocess.Popen[bytes]) -> None:
    subprocess.run(["/usr/bin/python3", "-c", ANOTHER], cwd=SOURCE, check=True)
    assert runner.poll() is None
    assert footprint(runner.pid)["processes"]
