"""Packages under test: offered to a host by a local repository, their questions answered beforehand."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .chroot import Host
from .errors import LabError, tail

REPOSITORY = "/srv/repo"
SOURCE = "/etc/apt/sources.list.d/smallmail-lab.list"
# Read this source alone: the others' lists came with the root, and there is no network to read them again.
UPDATE = ["apt-get", "update", "-o", f"Dir::Etc::SourceList={SOURCE}", "-o", "Dir::Etc::SourceParts=-",
          "-o", "APT::Get::List-Cleanup=0"]


def build(source: Path) -> Path:
    """The package that `make deb` makes of the tree as it is, with Debian's own tools whatever is in PATH."""
    done = subprocess.run(["make", "deb"], cwd=source, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", check=False,
                          env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    built = sorted(source.glob("build/*_all.deb"))
    if done.returncode != 0 or len(built) != 1:
        raise LabError(f"make deb made {len(built)} packages, exit code {done.returncode}{tail(done.stdout)}")
    return built[0]


def offer(host: Host, *debs: Path) -> None:
    """Make packages known to apt in there, as from any repository."""
    for deb in debs:
        host.write(f"{REPOSITORY}/{deb.name}", deb.read_bytes())
    index = subprocess.run(["dpkg-scanpackages", "--multiversion", "."], check=True, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, cwd=host.path / REPOSITORY.lstrip("/")).stdout
    host.write(f"{REPOSITORY}/Packages", index)
    host.write(SOURCE, f"deb [trusted=yes] file:{REPOSITORY} ./\n")
    host.run(UPDATE)


def preseed(host: Host, deb: Path, answers: Mapping[str, str]) -> None:
    """Answer a package's questions, named without the package's name."""
    host.run(["debconf-set-selections"], input=selections(deb, answers))


def selections(deb: Path, answers: Mapping[str, str]) -> str:
    """The answers as debconf-set-selections(1) reads them; the package tells their types."""
    package = field(deb, "Package")
    templates = subprocess.run(["dpkg-deb", "--info", str(deb), "templates"], check=True,
                               stdout=subprocess.PIPE, encoding="utf-8").stdout
    types = dict(re.findall(r"^Template: (\S+)\nType: (\S+)$", templates, re.MULTILINE))
    lines = []
    for name, answer in answers.items():
        question = f"{package}/{name}"
        if question not in types:
            raise LabError(f"{deb.name} has no question {question}")
        lines.append(f"{package} {question} {types[question]} {answer}\n")
    return "".join(lines)


def install(host: Host, *packages: str) -> str:
    """apt-get install, with what is recommended; returns what was said."""
    done = host.run(["apt-get", "-y", "install", *packages])
    return done.stdout + done.stderr


def field(deb: Path, name: str) -> str:
    """A field of the package's control file."""
    return subprocess.run(["dpkg-deb", "--field", str(deb), name], check=True, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout.strip()
