"""Release upgrades: cached layers with all that `apt-get full-upgrade` takes; machines do it with no network."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from . import roots
from .chroot import Chroot, Host
from .session import CACHE

SOURCES = "etc/apt/sources.list"
ARCHIVES = "var/cache/apt/archives"
LISTS = "var/lib/apt/lists"
DEB = "/root/installed.deb"


def upgradable(suite: str, deb: Path, *to: str) -> list[Path]:
    """What roots.warm() gives, and all downloaded that a host with this .deb takes to go on to each next suite."""
    below = roots.warm(suite, deb)
    # The same .deb's needs make the same upgrade: below[0] carries them in its name.
    route = "-".join(to)
    name = f"upgrade-{route}-{hashlib.sha256(below[0].name.encode()).hexdigest()[:12]}"
    layers = roots.layer(suite, name, below, lambda chroot: _rehearse(chroot, suite, below, deb, to))
    roots.forget(suite, f"upgrade-{route}-{'?' * 12}", layers[0])
    return layers


def point(host: Host, suite: str) -> None:
    """Name another suite in a host's sources, as an admin does before a release upgrade; the lists are there."""
    host.write(f"/{SOURCES}", (roots.base(suite)[0] / SOURCES).read_text(encoding="utf-8"))


def _rehearse(layer: Chroot, suite: str, below: list[Path], deb: Path, to: tuple[str, ...]) -> None:
    """Upgrade a host like those to come, which is thrown away, and keep what apt fetched for it."""
    with Chroot(below, f"{suite}-rehearsal", network=True) as chroot:
        chroot.write("/etc/apt/apt.conf.d/90lab", roots.APT)    # cached roots may have an older one
        chroot.write(DEB, deb.read_bytes())
        chroot.run(["apt-get", "-y", "install", DEB])
        for upgrade in to:
            point(chroot, upgrade)
            chroot.run(["apt-get", "update"], env=roots.PROXY)
            wanted = re.findall(r"^'\S+' (\S+\.deb) ", _upgrade(chroot, "--print-uris"), re.MULTILINE)
            _take_what_is_here(chroot, upgrade, set(wanted))
            _upgrade(chroot, "-d")
            for file in [chroot.path / ARCHIVES / name for name in wanted] + _lists(chroot):
                shutil.copy2(file, layer.path / file.relative_to(chroot.path))
            if upgrade != to[-1]:
                _upgrade(chroot)


def _upgrade(chroot: Chroot, *options: str) -> str:
    return chroot.run(["apt-get", "-y", *options, "full-upgrade"], env=roots.PROXY).stdout


def _lists(chroot: Chroot) -> list[Path]:
    return [file for file in (chroot.path / LISTS).iterdir() if file.is_file() and file.name != "lock"]


def _take_what_is_here(chroot: Chroot, suite: str, wanted: set[str]) -> None:
    """Packages that the cache has from building the next suite's own roots need not be fetched again."""
    for pattern in ("debootstrap-downloads", f"base/{ARCHIVES}", f"warm-*/{ARCHIVES}"):
        for file in (CACHE / suite).glob(f"{pattern}/*.deb"):
            if file.name in wanted:
                shutil.copy2(file, chroot.path / ARCHIVES)
