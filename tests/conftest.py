"""What all tests share: the built package, the suites, the lab's world, and a place for their figures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import LabError, World, can_boot, packages, roots
from tests.lab.session import CACHE, OF_RUN, close_current, close_run

SOURCE = Path(__file__).parent.parent
BOOTED = ("bookworm", "trixie")
# Modules that `make test` runs on one suite, because what they try differs little between suites.
ON_ONE_SUITE = (
    "test_author", "test_former", "test_logins", "test_mishaps", "test_odd_machines", "test_others_reports",
    "test_own_changes", "test_relayhost", "test_search", "test_senders", "test_unprivileged")
# Modules of tests that look at all that a machine says: its findings, its log. test_mail leaves domains on it.
FIRST = ("test_check", "test_dns_check", "test_mail.py", "test_mail_settled", "test_teaching")
# How the names of groups (_machine) begin that take minutes, the longest first; `make test` and what is slow apart.
LONGEST = (
    "test_debian_qa.py", "test_certificate.py", "test_take_over.py", "test_folders_upgrade.py",
    "shared-trixie", "test_release.py", "shared-bookworm", "test_remove.py", "test_story.py", "test_purge.py-trixie",
    "test_dane.py", "test_doors.py", "test_kills.py", "test_letters.py", "test_install.py-forky",
    "test_install.py-bullseye", "test_upgrade.py", "test_install.py", "test_purge.py", "test_reconfigure.py",
    "test_dkim.py", "test_publish", "test_lab")
LINTERS = CACHE / "linters/bin"  # what tests/lab/setup.sh fetched by pip


class Lab:
    """What the end of a run has to say about the lab."""

    def __init__(self) -> None:
        self.used = False
        self.left: list[str] = []


_lab = Lab()


@pytest.hookimpl(hookwrapper=True)  # xdist looks for the groups, pytest brings together what shares a fixture
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """The quick ones first; the lab's not at all where it cannot be.

    Where several processes share the work (pytest-xdist), one machine's tests stay in one of them, and the machines
    with the most work come first: the last ones fill up what time is left.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_machine(item)))
        if item.path.name.startswith(ON_ONE_SUITE) and _suite(item) == "bookworm":
            item.add_marker(pytest.mark.slow)
    if reason := any(map(_wants_lab, items)) and can_boot():
        for item in filter(_wants_lab, items):
            item.add_marker(pytest.mark.skip(reason=reason))
    yield
    items.sort(key=_turn)


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes share the work, theirs are sessions of one run."""
    if not _is_worker(config):
        os.environ[OF_RUN] = str(os.getpid())


def pytest_runtest_logstart(nodeid: str) -> None:
    """The first process of a run hears of every test, whichever process does it."""
    _lab.used |= nodeid.startswith("tests/system/")


@pytest.hookimpl(hookwrapper=True)  # so that the fixtures are gone, and the other processes were told to end
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """A run that leaves something behind has failed."""
    yield
    try:
        close_current()
    except LabError as refused:
        _lab.left.append(str(refused))
    if not _is_worker(session.config) and _lab.used:
        _lab.left += close_run(os.environ[OF_RUN])
    if _lab.left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of a run."""
    if _is_worker(config) or not (_lab.used or _lab.left):
        return
    print("The lab has left behind:\n" + "\n".join(_lab.left) if _lab.left else "The lab has left nothing behind.")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _machine(item: pytest.Item) -> str:
    """What the tests with the same name here share: a machine, or the folder that they stand in."""
    if not _wants_lab(item):
        return "pure"
    shares = "shared_host" in getattr(item, "fixturenames", ())
    return f"{'shared' if shares else item.path.name}-{_suite(item)}"


def _suite(item: pytest.Item) -> str:
    """The suite that a test has as a parameter; empty if it has none."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return str(parameters.get("suite", ""))


def _turn(item: pytest.Item) -> tuple[int, int]:
    """When a test runs: by its machine, and what judges a machine as a whole before others leave things on it."""
    if not _wants_lab(item):
        return 0, 0
    machine = _machine(item)
    turn = next((turn for turn, start in enumerate(LONGEST, 1) if machine.startswith(start)), len(LONGEST) + 1)
    first = next((place for place, start in enumerate(FIRST) if item.path.name.startswith(start)), len(FIRST))
    return turn, first


def _wants_lab(item: pytest.Item) -> bool:
    return SOURCE / "tests/system" in item.path.parents


@pytest.fixture(scope="session")
def deb() -> Path:
    """The built package: the one in SMALLMAIL_DEB, else what `make deb` makes of the tree as it is."""
    if given := os.environ.get("SMALLMAIL_DEB"):
        return Path(given).resolve(strict=True)
    return packages.build(SOURCE)


@pytest.fixture(scope="session", params=[name for name in BOOTED if os.environ.get("SUITE", name) == name])
def suite(request: pytest.FixtureRequest) -> str:
    """The suites that users run today; SUITE in the environment keeps to one."""
    name: str = request.param
    if reason := roots.available(name):
        pytest.skip(reason)
    return name


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with World() as outside:
        yield outside


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Where a linter is; the test is skipped where it is missing."""
    def find(name: str) -> str:
        found = shutil.which(name, path=f"{LINTERS}:/usr/sbin:/usr/bin:/sbin:/bin")
        if not found:
            pytest.skip(f"{name} is not installed: tests/lab/setup.sh could not get it by apt or pip")
        return found
    return find


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note a figure, to be printed at the end beside the test's name."""
    return lambda figure: request.node.user_properties.append(("figure", figure))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    measured = [(report.nodeid, [figure for kind, figure in report.user_properties if kind == "figure"])
                for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
                if report.when == "call"]
    if any(figures for _, figures in measured):
        terminalreporter.section("figures")
    for name, figures in measured:
        if figures:
            terminalreporter.line(f"{name}: {'; '.join(figures)}")
