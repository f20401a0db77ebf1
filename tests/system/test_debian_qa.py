"""Debian's own judges, in the lab: piuparts (is something left behind?) and autopkgtest (debian/tests, on a machine).

Both are installed in a layer of the lab's cache, never on this host.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.conftest import SOURCE
from tests.lab import World, mounts, packages, roots, upgrades
from tests.lab.chroot import Chroot
from tests.lab.installed import needs_the_same
from tests.lab.tree import Tree
from tests.lab.upgrades import ARCHIVES
from tests.support.fixtures import Record
from tests.support.mail_host import ADDRESS, ANSWERS, NAME

pytestmark = pytest.mark.slow

# The second line is what debian/tests/control asks for besides the package itself.
TOOLS = ("piuparts", "autopkgtest", "dpkg-dev",
         "po-debconf", "python3-debian", "python3-dkim", "python3-pytest")
# Leftovers are told of and make no failure: they are compared with those that the dependencies leave by themselves.
PIUPARTS = ["piuparts", "--existing-chroot=/srv/base", "--bindmount=/srv/repo",
            "--scriptsdir=/srv/scripts", "--no-eatmydata", "--no-adequate", "--warn-on-leftovers-after-purge"]
# It is told that it may break this machine, which it cannot know by itself.
AUTOPKGTEST = ["autopkgtest", "--no-built-binaries", "--ignore-restrictions=isolation-container,breaks-testbed"]
# After each the package is purged. With install-remove-install an upgrade would be a removal and an installation.
RUNS = {"install-remove-install": ["--install-remove-install", "--no-upgrade-test"],
        "install-purge-install": ["--install-purge-install", "--no-upgrade-test"],
        "upgrade": ["--no-install-purge-test"],
        "release": ["--no-install-purge-test", "--no-upgrade-test"]}    # of Debian itself
WAYS = [("install-remove-install", True), ("install-purge-install", False), ("upgrade", True)]
NEXT = {"bookworm": "trixie"}
SOURCES = "#!/bin/sh\necho 'deb [trusted=yes] file:/srv/repo/{} ./' >/etc/apt/sources.list\n"
PRESEED = "#!/bin/sh\ndebconf-set-selections <<'ANSWERS'\n{}ANSWERS\n"
OLDER = "0.0.1"


@pytest.fixture(scope="module")
def piuparts(request: pytest.FixtureRequest, deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Piuparts]:
    """A chroot with piuparts, a root for it to copy, and all packages in a repository on the disk, for each release
    that it comes to. What it is called with it installs; it returns what piuparts said, or fails with it."""
    suite = request.param
    if reason := roots.available(suite):
        pytest.skip(reason)
    layers = roots.warm(suite, deb)
    base = Tree(layers, f"{suite}-base")
    folders = {suite: [layer / ARCHIVES for layer in layers]}
    if suite in NEXT:
        folders[NEXT[suite]] = [upgrades.upgradable(suite, deb, NEXT[suite])[0] / ARCHIVES]
    with Chroot(roots.tools(suite, deb, TOOLS), f"{suite}-piuparts") as chroot:
        others = tmp_path_factory.mktemp("others")
        _older(deb, others)
        run = Piuparts(suite, chroot, deb, needs_the_same(deb, others))
        for release, archives in folders.items():
            _repository(chroot.path / "srv/repo" / release, [*archives, others])
        for archive in (base.path / ARCHIVES).glob("*.deb"):
            archive.unlink()
        # Where packages come from piuparts would write itself; it keeps what it finds for one release at most.
        for step, release in (("post_chroot_unpack", suite), ("pre_distupgrade", NEXT.get(suite))):
            chroot.write(f"/srv/scripts/{step}_repository", SOURCES.format(release), 0o755)
        (chroot.path / "srv/base").mkdir()
        mounts.mount("--bind", base.path, chroot.path / "srv/base")
        yield run
    base.close()


class Piuparts:
    """One suite's piuparts: called with a package and a way to come and go, it returns what it said."""

    def __init__(self, suite: str, chroot: Chroot, deb: Path, nothing: Path) -> None:
        self.suite, self._chroot, self._deb, self._nothing = suite, chroot, deb, nothing
        self._baselines: dict[str, set[str]] = {}
        chroot.run("mkdir -p /srv/scripts")

    def __call__(self, package: Path, way: str) -> str:
        suites = ["--distribution=" + self.suite]
        if way == "release":
            suites.append("--distribution=" + NEXT[self.suite])
        self._chroot.write("/srv/" + package.name, package.read_bytes())
        done = self._chroot.run([*PIUPARTS, *suites, *RUNS[way], "/srv/" + package.name], timeout=1800)
        return done.stdout + done.stderr

    def answer(self, yes: bool) -> None:
        """Let the questions be answered ahead of each installation, or not."""
        text = PRESEED.format(packages.selections(self._deb, ANSWERS)) if yes else "#!/bin/sh\n"
        self._chroot.write("/srv/scripts/pre_install_preseed", text, 0o755)

    def baseline(self, way: str) -> set[str]:
        """What is left by the packages that ours depends on."""
        way = way if way == "release" else "install-purge-install"
        if way not in self._baselines:
            self.answer(False)
            self._baselines[way] = _left(self(self._nothing, way))
        return self._baselines[way]


def _repository(folder: Path, sources: Iterable[Path]) -> None:
    """All packages of those folders, as apt reads them."""
    folder.mkdir(parents=True)
    for source in sources:
        for archive in source.glob("*.deb"):
            shutil.copy2(archive, folder)
    index = subprocess.run(["dpkg-scanpackages", "--multiversion", "."], check=True, cwd=folder,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    (folder / "Packages").write_bytes(index)


def _older(deb: Path, folder: Path) -> None:
    """An older version of the package, by its number."""
    subprocess.run(["dpkg-deb", "--raw-extract", deb, folder / "package"], check=True)
    control = folder / "package/DEBIAN/control"
    control.write_text(re.sub("^Version: .*$", "Version: " + OLDER, control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--build", folder / "package", folder / "older.deb"], check=True,
                   stdout=subprocess.DEVNULL)


# Where apt unpacks the questions of any package that has some (dpkg-preconfigure(8)).
DEBCONFS = {"/var/cache/debconf/tmp.ci/"}


def _left(said: str) -> set[str]:
    """The names that piuparts found left behind, changed or missing."""
    blocks = r"(?:left files on system|have disappeared|have been modified|Broken symlinks):\n((?:  .*\n)+)"
    found = re.findall(blocks, said)
    return {line.split("\t")[0].split(" owned by")[0].strip() for block in found for line in block.splitlines()}


@pytest.mark.parametrize("piuparts, way, answers", [
    *[("trixie", *way) for way in WAYS], *[("bookworm", *way) for way in WAYS], ("bookworm", "release", True)],
    indirect=["piuparts"])
def test_piuparts_finds_nothing_of_ours(piuparts: Piuparts, way: str, answers: bool, deb: Path, record: Record) -> None:
    baseline = piuparts.baseline(way)
    piuparts.answer(answers)
    started = time.monotonic()
    said = piuparts(deb, way)
    print(said)
    assert ("mx.example.org now accepts mail for example.org" in said) == answers
    upgraded = f"Unpacking smallmail-server ({packages.field(deb, 'Version')}) over ({OLDER})"
    assert (upgraded in said) == (way in ("upgrade", "release"))
    left = _left(said)
    assert left - baseline - DEBCONFS == set()
    how = "preseeded" if answers else "no answers"
    record(f"{piuparts.suite}, {way}, {how}: {len(left)} names left, all of them also by the dependencies alone;"
           f" {time.monotonic() - started:.0f} s")


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_autopkgtest(suite: str, deb: Path, world: World, record: Record) -> None:
    """All of debian/tests on a booted machine, which may break: nothing comes after it."""
    if reason := roots.available(suite):
        pytest.skip(reason)
    with world.machine(roots.tools(suite, deb, TOOLS), NAME, ADDRESS) as machine:
        source = machine.path / "srv/source"
        names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=SOURCE,
                               check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.split("\0")[:-1]
        for name in names:
            if (SOURCE / name).exists():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(SOURCE / name, source / name)
        machine.write("/srv/" + deb.name, deb.read_bytes())
        done = machine.run([*AUTOPKGTEST, "/srv/" + deb.name, "/srv/source", "--", "null"], check=False, timeout=1800)
        print(done.stdout[-20000:], done.stderr[-20000:])
        results = dict(re.findall(r"^(\S+) +(PASS|FAIL|SKIP)", (done.stdout + done.stderr).partition("@@@@ summary")[2],
                                  re.MULTILINE))
        wanted = re.findall(r"^Tests: (\S+)", (SOURCE / "debian/tests/control").read_text("utf-8"), re.MULTILINE)
        assert results == dict.fromkeys(wanted, "PASS")
        assert done.returncode == 0
        passed = re.findall(r"(\d+) passed", done.stdout + done.stderr)
        record(f"{suite}: {', '.join(results)}; {passed[-1]} unit tests against the installed package")
