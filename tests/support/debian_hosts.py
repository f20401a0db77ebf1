"""Debian without smallmail: a minimal system, and one with the daemons as Debian configures them; and apt for both."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from tests.lab import roots
from tests.lab.chroot import Chroot
from tests.lab.installed import dependencies
from tests.lab.session import current


def minimal(suite: str, package: Path, deb: Path) -> Chroot:
    """Make a minimal Debian that has at hand what apt needs for our .deb, and a package in /srv."""
    made = Chroot(roots.warm(suite, deb), f"{suite}-minimal", network=True)
    made.write("/srv/" + package.name, package.read_bytes())
    return made


@functools.cache
def stock(suite: str, deb: Path) -> list[Path]:
    """Return the layers of a host with all that smallmail-server depends on, as Debian configures it.

    The package is in /srv.
    """
    layer = current().folder / f"{suite}-stock"
    (layer / "srv").mkdir(parents=True)
    shutil.copy(deb, layer / "srv")
    return [layer, *dependencies(suite, deb)]


def install(chroot: Chroot, deb: Path, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Install the package in /srv with apt. Returns how that ended."""
    return chroot.run(["apt-get", "-y", *options, "install", "/srv/" + deb.name], check=check, timeout=900)
