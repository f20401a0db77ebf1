"""Nothing of the lab stays behind after a run of pytest, however its processes and fixtures end."""

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
from tests.support.footprint import footprint, wait_for_nothing

SOURCE = Path(__file__).parent.parent.parent
ANOTHER = "from tests.lab.session import current; current()"
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


class PytestRun:
    """Runs of pytest in processes that share the work, with the hooks and fixtures of this suite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, tests: str) -> subprocess.Popen[str]:
        folder = self.folder / "tests/system"
        folder.mkdir(parents=True)
        (self.folder / "pytest.ini").write_text("[pytest]\nmarkers = xdist_group\n", encoding="ascii")
        (folder / "test_it.py").write_text(tests, encoding="utf-8")
        words = ["-B", "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-n", "2", str(folder)]
        process = subprocess.Popen(["/usr/bin/python3", *words], cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, encoding="utf-8",
                                   env={**os.environ, "PYTHONPATH": str(SOURCE), "PIDS": str(self.folder)})
        self._started.append(process)
        return process

    def pids(self) -> list[int]:
        """Return the processes that have run tests."""
        return [int(file.suffix[1:]) for file in self.folder.glob("pid.*")]

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def pytest_run(tmp_path: Path) -> Iterator[PytestRun]:
    run = PytestRun(tmp_path)
    yield run
    run.close()


def test_nothing_stays_of_workers_that_end_and_of_fixtures_that_fail(pytest_run: PytestRun, record: Record) -> None:
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
def test_nothing_stays_when_the_first_process_ends_before_its_workers(pytest_run: PytestRun, number: int,
                                                                      record: Record) -> None:
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
def test_what_is_left_is_named_and_fails_the_run(pytest_run: PytestRun, monkeypatch: pytest.MonkeyPatch) -> None:
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
