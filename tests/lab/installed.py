"""Layers with packages installed, shared by all runners: kept in the cache by what went into them.

What is in such a layer was installed in a chroot: these are for tests that are not about the installation.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from . import mounts, packages, roots
from .chroot import Chroot
from .session import CACHE

KEPT = 8  # layers of a kind and suite: every .deb that is built makes new ones
_used: dict[Path, int] = {}  # layers, and the descriptors of their locks


def installed(suite: str, deb: Path, answers: Mapping[str, str], needs: Path | None = None) -> list[Path]:
    """Layers of a host on which this .deb has been installed and set up by these answers.

    What it needs was installed before it, which makes a new .deb's layer in a fifth of the time. A released .deb is
    installed in one go, on a host that has all that another one `needs`: that to which it will be upgraded.
    """
    def make(chroot: Chroot) -> None:
        packages.offer(chroot, deb)
        packages.preseed(chroot, deb, answers)
        packages.install(chroot, packages.field(deb, "Package"))

    below = roots.warm(suite, needs) if needs else dependencies(suite, deb)
    return _shared(suite, "installed", [deb.read_bytes(), repr(sorted(answers.items())).encode()], below, make)


def dependencies(suite: str, deb: Path) -> list[Path]:
    """Layers of a host with all that a .deb depends on and recommends, as Debian makes it."""
    def make(chroot: Chroot) -> None:
        nothing = needs_the_same(deb, chroot.tree.folder)
        chroot.write(f"/srv/{nothing.name}", nothing.read_bytes())
        chroot.run(["apt-get", "-y", "install", f"/srv/{nothing.name}"], timeout=900)

    return _shared(suite, "dependencies", [], roots.warm(suite, deb), make)


def needs_the_same(deb: Path, folder: Path) -> Path:
    """A package that depends on the same as another, and does nothing."""
    made, root = folder / "nothing_1_all.deb", folder / "nothing"
    (root / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (root / "DEBIAN/control").write_text(
        "Package: nothing\nVersion: 1\nArchitecture: all\nDescription: nothing\n"
        "Maintainer: nobody <nobody@example.org>\n"
        + "".join(f"{name}: {packages.field(deb, name)}\n" for name in ("Depends", "Recommends")), encoding="utf-8")
    subprocess.run(["dpkg-deb", "--build", root, made], check=True, stdout=subprocess.DEVNULL)
    return made


def _shared(suite: str, kind: str, ingredients: list[bytes], below: list[Path],
            make: Callable[[Chroot], None]) -> list[Path]:
    """The layer of these ingredients upon those below it; it stays at least as long as this process."""
    digest = hashlib.sha256(below[0].name.encode())
    for each in ingredients:
        digest.update(hashlib.sha256(each).digest())
    kept = CACHE / suite / f"{kind}-{digest.hexdigest()[:12]}"
    if kept not in _used:
        _used[kept] = _claim(kept)
        with _only_one_makes(kept):
            if not kept.exists():
                with Chroot(below, f"{suite}-{kept.name}") as chroot:
                    make(chroot)
                    chroot.keep(kept)
        _forget_the_oldest(suite, kind)
    return [kept, *below]


@contextmanager
def _only_one_makes(layer: Path) -> Iterator[None]:
    """Wait until nobody else makes the layer. This lock is not the one of its users: they hold theirs to their end."""
    making = layer.with_suffix(".making")
    if layer.exists():
        yield
        return
    with making.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        making.unlink(missing_ok=True)  # who waits for it finds the layer


def _claim(layer: Path) -> int:
    """A descriptor of the layer's lock, shared by all who use it; its file tells when the layer was last used."""
    lock = layer.with_suffix(".lock")
    while True:
        claim = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(claim, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(claim), lock.stat()):
                os.utime(claim)
                return claim
        os.close(claim)  # of a file that was deleted while we waited


def _forget_the_oldest(suite: str, kind: str) -> None:
    """Delete layers that were not used for the longest time, unless somebody stands on them. Others may do the same at
    the same time: what is gone already needs no deleting."""
    used = []
    for lock in (CACHE / suite).glob(f"{kind}-*.lock"):
        with suppress(FileNotFoundError):
            used.append((lock.stat().st_mtime, lock))
    for _, lock in sorted(used, reverse=True)[KEPT:]:
        with suppress(FileNotFoundError), lock.open("rb") as claim:
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            layer = lock.with_suffix("")
            if not mounts.in_use(layer):
                if layer.exists():  # its making may have been interrupted
                    roots.discard(layer)
                lock.unlink()
