"""Cached roots: made once by debootstrap, never written to again; hosts stand on them by overlays.

A root is a list of layers, the uppermost first. Each is built under another name and renamed when it is
whole, so that an interrupted build is never used; a lock keeps two runners from building the same one twice.
MIRROR in the environment names where packages come from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from . import mounts
from .chroot import Chroot
from .errors import LabError
from .session import CACHE, current

SUITES = ("stretch", "bullseye", "bookworm", "trixie", "forky")
ARCHIVED = ("stretch",)  # its signing keys have expired: debootstrap checks with the removed keys, apt cannot
NO_SECURITY = ("bullseye",)  # its long-term support has ended: the lists name packages that mirrors have dropped
WORLD_SUITE = "bookworm"
WORLD_PACKAGES = ("knot", "unbound", "dns-root-data", "exim4-daemon-light")
INCLUDE = ("systemd", "systemd-sysv", "dbus", "udev", "iproute2", "procps", "netbase", "cron", "logrotate",
           "ca-certificates")
MASKED = ("systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer",
          "fstrim.timer", "dpkg-db-backup.timer")
APT = """\
// Keep what was downloaded: machines have no way out. The second line is what apt, as against apt-get, reads.
APT::Keep-Downloaded-Packages "true";
Binary::apt::APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
// Lists are cached here, and a mirror may stand still: that they are old is no news.
Acquire::Check-Valid-Until "false";
"""
WANTED = "/root/wanted.deb"
DEBOOTSTRAP = Path("/usr/sbin/debootstrap")
SCRIPTS = Path("/usr/share/debootstrap/scripts")
KEYRINGS = Path("/usr/share/keyrings")
PROXY = {name: value for name, value in os.environ.items()
         if name.lower() in ("http_proxy", "https_proxy", "no_proxy")}


@cache
def mirror() -> str:
    """Where packages come from: MIRROR, else what debootstrap takes when it is not told."""
    found = re.search(r'^DEF_MIRROR="(.+)"$', DEBOOTSTRAP.read_text(encoding="utf-8"), re.MULTILINE)
    return (os.environ.get("MIRROR") or (found.group(1) if found else "")).rstrip("/")


@cache
def available(suite: str) -> str | None:
    """None when hosts of this suite can be made, else a sentence that says why they cannot."""
    if (CACHE / suite / "bottom").exists() or _served(mirror(), suite):
        return None
    asked = "the mirror named in MIRROR" if os.environ.get("MIRROR") else "debootstrap's default mirror"
    return f"{suite}: no Release file at {asked}, {mirror()}"


def base(suite: str) -> list[Path]:
    """A minimal Debian that can boot, up to date, with no Python and no mail server."""
    bottom = CACHE / suite / "bottom"
    with _lock(suite):
        if not bottom.exists():
            _debootstrap(suite, bottom)
    return layer(suite, "base", [bottom], lambda chroot: _prepare(chroot, suite))


def warm(suite: str, deb: Path) -> list[Path]:
    """The base, with all downloaded that `apt install` of this .deb takes: hosts install it with no network.

    It is made anew only when the .deb depends on other packages than before.
    """
    fields = subprocess.run(["dpkg-deb", "--field", str(deb), "Pre-Depends", "Depends", "Recommends"],
                            check=True, stdout=subprocess.PIPE).stdout
    layers = layer(suite, f"warm-{hashlib.sha256(fields).hexdigest()[:12]}", base(suite),
                   lambda chroot: _download(chroot, suite, deb))
    forget(suite, "warm-*", layers[0])
    return layers


def tools(suite: str, deb: Path, packages: Sequence[str]) -> list[Path]:
    """What warm() has, and these packages installed: tools that this host need not have."""
    below = warm(suite, deb)
    name = hashlib.sha256(" ".join([below[0].name, *packages]).encode()).hexdigest()[:12]
    command = ["apt-get", "-y", "--no-install-recommends", "install", *packages]
    layers = layer(suite, f"tools-{name}", below, lambda chroot: _update_and(chroot, command))
    forget(suite, "tools-*", layers[0])
    return layers


def fetched(suite: str, package: str) -> list[Path]:
    """The .deb files of one more package of the suite, with what a base lacks of its dependencies."""
    command = ["apt-get", "-y", "-d", "--no-install-recommends", "install", package]
    layers = layer(suite, f"fetched-{package}", base(suite), lambda chroot: _update_and(chroot, command))
    return sorted((layers[0] / "var/cache/apt/archives").glob("*.deb"))


def upon_base(suite: str, name: str, command: list[str]) -> list[Path]:
    """A base on which a command has installed something, by that name."""
    return layer(suite, name, base(suite), lambda chroot: _update_and(chroot, command))


def world() -> list[Path]:
    """What the outside world runs: authoritative DNS, a resolver, a foreign mail server."""
    packages = ["apt-get", "-y", "--no-install-recommends", "install", *WORLD_PACKAGES]
    return upon_base(WORLD_SUITE, "world", packages)


def layer(suite: str, name: str, below: list[Path], make: Callable[[Chroot], None]) -> list[Path]:
    """The named layer upon those below it; `make` fills it when the cache has none."""
    kept = CACHE / suite / name
    with _lock(suite):
        if not kept.exists():
            with Chroot(below, f"{suite}-{name}", network=True) as chroot:
                make(chroot)
                chroot.keep(kept)
    return [kept, *below]


def forget(suite: str, pattern: str, newest: Path) -> None:
    """Delete the layers of that name that a newer one has replaced, unless somebody stands on them."""
    for old in (CACHE / suite).glob(pattern):
        if old != newest and not mounts.in_use(old):
            discard(old)


def discard(layer: Path) -> None:
    """Delete a layer of the cache; one that is half deleted is never used."""
    gone = current().folder / f"gone-{layer.name}"
    layer.rename(gone)
    shutil.rmtree(gone)


def _debootstrap(suite: str, bottom: Path) -> None:
    if reason := available(suite):
        raise LabError(reason)
    session = current()
    building, downloads = session.folder / f"{suite}-bottom", CACHE / suite / "debootstrap-downloads"
    downloads.mkdir(exist_ok=True)
    keyring = KEYRINGS / f"debian-archive-{'removed-keys' if suite in ARCHIVED else 'keyring'}.gpg"
    script = suite if (SCRIPTS / suite).exists() else "sid"  # which a debootstrap takes that is older than it
    command = [
        "debootstrap", "--variant=minbase", f"--include={','.join(INCLUDE)}", f"--cache-dir={downloads}",
        f"--keyring={keyring}", suite, str(building), mirror(), str(SCRIPTS / script)]
    session.group.child("debootstrap").run(command, said=" ".join(command))
    mounts.umount_below(building)
    os.sync()
    building.rename(bottom)


def _prepare(chroot: Chroot, suite: str) -> None:
    """Sources with the suite's updates, nothing that wakes up by itself, all upgraded."""
    archive = chroot.read("/etc/apt/sources.list").split()[1]  # debootstrap wrote "deb ARCHIVE SUITE main"
    option = "[trusted=yes] " if suite in ARCHIVED else ""
    security = f"{archive}-security"
    wanted = [(archive, suite), (archive, f"{suite}-updates"), (security, f"{suite}-security"),
              (security, f"{suite}/updates")]  # the last is how it was called up to Debian 10
    if suite in NO_SECURITY:
        wanted = wanted[:2]
    chroot.write("/etc/apt/sources.list", "".join(
        f"deb {option}{where} {name} main\n" for where, name in wanted if _served(where, name)))
    chroot.write("/etc/apt/apt.conf.d/90lab", APT)
    chroot.run(["systemctl", "mask", *MASKED])
    _update_and(chroot, ["apt-get", "-y", "dist-upgrade"])


def _download(chroot: Chroot, suite: str, deb: Path) -> None:
    """Fetch what `apt install` takes, beginning with what older layers of the suite have fetched."""
    for old in (CACHE / suite).glob("warm-*/var/cache/apt/archives/*.deb"):
        shutil.copy2(old, chroot.path / "var/cache/apt/archives")
    chroot.write(WANTED, deb.read_bytes())
    _update_and(chroot, ["apt-get", "-y", "-d", "install", WANTED])
    chroot.run(["rm", WANTED])


def _update_and(chroot: Chroot, command: list[str]) -> None:
    chroot.run(["apt-get", "update"], env=PROXY)
    chroot.run(command, env=PROXY)


def _served(archive: str, suite: str) -> bool:
    """Whether an archive has a suite, asked with little patience."""
    for name in ("InRelease", "Release"):
        try:
            with urllib.request.urlopen(f"{archive}/dists/{suite}/{name}", timeout=5):
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError):
            continue
    return False


@contextmanager
def _lock(suite: str) -> Iterator[None]:
    (CACHE / suite).mkdir(parents=True, exist_ok=True)
    with (CACHE / suite / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
