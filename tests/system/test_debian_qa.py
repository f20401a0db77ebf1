"""Debian's own judges, in the lab: piuparts (is something left behind?) and autopkgtest (debian/tests, on a machine).

Both are installed in a layer of the lab's cache, never on this host.
"""
import re
import shutil
import subprocess
import time

import pytest

from tests.conftest import SOURCE
from tests.lab import mounts, packages, roots
from tests.lab.chroot import Chroot
from tests.lab.tree import Tree
from tests.system.formerly import dependencies
from tests.system.mailhost import ADDRESS, ANSWERS, NAME

pytestmark = pytest.mark.slow

# The second line is what debian/tests/control asks for besides the package itself.
TOOLS = ("piuparts", "autopkgtest", "dpkg-dev",
         "po-debconf", "python3-debian", "python3-dkim", "python3-pytest")
# Leftovers are told of and make no failure: they are compared with those that the dependencies leave by themselves.
PIUPARTS = ["piuparts", "--distribution=trixie", "--existing-chroot=/srv/base", "--keep-sources-list",
            "--bindmount=/srv/repo", "--no-eatmydata", "--no-adequate", "--warn-on-leftovers-after-purge"]
# It is told that it may break this machine, which it cannot know by itself.
AUTOPKGTEST = ["autopkgtest", "--no-built-binaries", "--ignore-restrictions=isolation-container,breaks-testbed"]
# After which the package is purged; preseeded or not.
RUNS = {"install-remove-install": True, "install-purge-install": False}
PRESEED = "#!/bin/sh\ndebconf-set-selections <<'ANSWERS'\n{}ANSWERS\n"
OLDER = "0.0.1"


@pytest.fixture(scope="module", params=["trixie"])
def piuparts(request, deb, tmp_path_factory):
    """A chroot with piuparts, a root for it to copy, and all packages in a repository on the disk. What it is called
    with it installs; it returns what piuparts said, or fails with it."""
    suite = request.param
    if reason := roots.available(suite):
        pytest.skip(reason)
    layers = roots.warm(suite, deb)
    base = Tree(layers, "{}-base".format(suite))
    archives = base.path / "var/cache/apt/archives"
    with Chroot(roots.tools(suite, deb, TOOLS), "{}-piuparts".format(suite)) as chroot:
        repository = chroot.path / "srv/repo"
        shutil.copytree(archives, repository, ignore=shutil.ignore_patterns("lock", "partial"))
        for archive in archives.glob("*.deb"):
            archive.unlink()
        (base.path / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/repo ./\n")
        _older(deb, tmp_path_factory.mktemp("older"), repository)
        index = subprocess.run(["dpkg-scanpackages", "--multiversion", "."], check=True, cwd=repository,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        (repository / "Packages").write_bytes(index)
        (chroot.path / "srv/base").mkdir()
        mounts.mount("--bind", base.path, chroot.path / "srv/base")

        def run(package, *options):
            chroot.write("/srv/" + package.name, package.read_bytes())
            done = chroot.run([*PIUPARTS, *options, "/srv/" + package.name], timeout=1800)
            return done.stdout + done.stderr

        run.chroot = chroot
        yield run
    base.close()


def _older(deb, folder, repository):
    """An older version of the package, by its number."""
    subprocess.run(["dpkg-deb", "--raw-extract", deb, folder / "package"], check=True)
    control = folder / "package/DEBIAN/control"
    control.write_text(re.sub("^Version: .*$", "Version: " + OLDER, control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--build", folder / "package", repository / "older.deb"], check=True,
                   stdout=subprocess.DEVNULL)


def _left(said):
    """The names that piuparts found left behind, changed or missing."""
    blocks = r"(?:left files on system|have disappeared|have been modified|Broken symlinks):\n((?:  .*\n)+)"
    found = re.findall(blocks, said)
    return {line.split("\t")[0].split(" owned by")[0].strip() for block in found for line in block.splitlines()}


@pytest.fixture(scope="module")
def baseline(piuparts, deb, tmp_path_factory):
    """What is left by the packages that ours depends on."""
    package = dependencies(deb, tmp_path_factory.mktemp("nothing"))
    return _left(piuparts(package, "--no-upgrade-test", "--install-purge-install"))


@pytest.mark.parametrize("way, answers", list(RUNS.items()))
def test_piuparts_finds_nothing_of_ours(way, answers, piuparts, baseline, deb, record):
    options = _preseeded(piuparts.chroot, deb) if answers else []
    started = time.monotonic()
    said = piuparts(deb, "--" + way, *options)
    print(said)
    assert ("mx.example.org takes mail for example.org" in said) == answers
    assert "Unpacking smallmail-server ({}) over ({})".format(packages.field(deb, "Version"), OLDER) in said
    left = _left(said)
    assert left - baseline == set()
    record("{}, upgrade from {}, {}: {} names left, all of them also by the dependencies alone; {:.0f} s".format(
        way, OLDER, "preseeded" if answers else "no answers", len(left), time.monotonic() - started))


def _preseeded(chroot, deb):
    """Options that let piuparts answer the questions ahead of each installation."""
    chroot.write("/srv/scripts/pre_install_preseed", PRESEED.format(packages.selections(deb, ANSWERS)), 0o755)
    return ["--scriptsdir=/srv/scripts"]


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_autopkgtest(suite, deb, world, record):
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
        record("{}: {}; {} unit tests against the installed package".format(suite, ", ".join(results), passed[-1]))
