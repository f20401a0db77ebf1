"""Released versions of the package, rebuilt from the commits that released them: debian/changelog's history tells."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from . import packages
from .session import CACHE, current

CHANGELOG = "debian/changelog"
# Versions whose successor's entry in the changelog came later than the first change after the release.
LAST_COMMITS = {"0.3.0": "1faa8d3295194200f0bad52fa28fab50cf72cb7e"}


class Release(NamedTuple):
    version: str
    commit: str


def releases(source: Path) -> list[Release]:
    """The versions that debian/changelog names below the topmost, which is in the making; the newest first.

    Each with the last commit in which it was the topmost, unless LAST_COMMITS names another. Those that the history
    does not reach are left out.
    """
    versions = re.findall(r"^\S+ \((\S+)\)", (source / CHANGELOG).read_text(encoding="utf-8"), re.MULTILINE)
    last = _last_commits(source)
    return [Release(version, last[version]) for version in versions[1:] if version in last]


def unreachable(source: Path) -> str | None:
    """None when the history has every released version, else a sentence that says what it lacks."""
    changelog = (source / CHANGELOG).read_text(encoding="utf-8")
    missing = set(re.findall(r"^\S+ \((\S+)\)", changelog, re.MULTILINE)[1:]) - _last_commits(source).keys()
    return f"the git history here does not reach back to {', '.join(sorted(missing))}" if missing else None


def rebuilt(source: Path, release: Release) -> Path:
    """The package as it was released; built once, then cached."""
    folder = CACHE / "released" / release.commit
    if not folder.exists():
        building = current().folder / f"released-{release.version}"
        subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(source), str(building)], check=True)
        subprocess.run(["git", "-C", str(building), "checkout", "--quiet", release.commit], check=True)
        deb = packages.build(building)
        kept = building / "kept"
        kept.mkdir()
        shutil.copy2(deb, kept)
        folder.parent.mkdir(exist_ok=True)
        kept.rename(folder)
        shutil.rmtree(building)
    return next(folder.glob("*.deb"))


def _last_commits(source: Path) -> dict[str, str]:
    """Of each version that was ever the topmost on the main line, the last commit in which it was."""
    changed = _git(source, "log", "--first-parent", "--format=%H", "--", CHANGELOG).split()
    last: dict[str, str] = {}
    newer = ""  # the commit that put another version on top
    for commit in changed:
        top = re.match(r"\S+ \((\S+)\)", _git(source, "show", f"{commit}:{CHANGELOG}"))
        if top and top.group(1) not in last:
            last[top.group(1)] = _git(source, "rev-parse", f"{newer}^" if newer else "HEAD").strip()
        newer = commit
    known = {version: commit for version, commit in LAST_COMMITS.items() if version in last}
    return {**last, **known}


def _git(source: Path, *words: str) -> str:
    """What git says; nothing where there is no repository, or none with a history."""
    return subprocess.run(["git", "-C", str(source), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          encoding="utf-8", check=False).stdout
