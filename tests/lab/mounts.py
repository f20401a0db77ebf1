"""Mounts: made by mount(8), undone for real (never lazily), and found again in the kernel's own list."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .errors import LabError, tail, until


def mount(*arguments: str | Path) -> None:
    _run("mount", *arguments)


def share(folder: Path) -> None:
    """Let what is unmounted below a folder be so everywhere: every machine begins with a copy of all mounts.

    That is how systemd leaves the root (mount_namespaces(7)); containers often have it private.
    """
    above = subprocess.run(["findmnt", "--noheadings", "--output", "TARGET", "--target", str(folder)], check=True,
                           stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    mount("--make-shared", above)


def below(folder: Path) -> list[Path]:
    """The mount points at and below a folder, the last mounted first."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    points = [Path(_unescape(line.split()[4])) for line in text.splitlines()]
    return [point for point in reversed(points) if point == folder or folder in point.parents]


def umount_below(folder: Path) -> None:
    """Undo every mount at and below a folder, and detach the loop devices that they stood on.

    All are tried, also when one cannot be undone.
    """
    with ExitStack() as steps:  # the last is the first
        steps.callback(_detach_loops, folder)
        for point in reversed(below(folder)):
            steps.callback(_umount, point)


def loops_below(folder: Path) -> list[str]:
    """The loop devices whose file is in a folder."""
    listed = subprocess.run(["losetup", "--noheadings", "--list", "--output", "NAME,BACK-FILE"], check=True,
                            stdout=subprocess.PIPE, encoding="utf-8").stdout
    pairs = (line.split(None, 1) for line in listed.splitlines())
    return [device for device, file in pairs if folder in Path(file).parents]


def _detach_loops(folder: Path) -> None:
    """Most have gone with their mount."""
    for device in loops_below(folder):
        try:
            _run("losetup", "--detach", device)
        except LabError:
            if device in loops_below(folder):
                raise


def _umount(point: Path) -> None:
    until(partial(_umounted, point), f"{point} to be free", 10)


def _umounted(point: Path) -> bool:
    """A process that is dying, or another runner that looks around, may be in the way for a moment."""
    try:
        _run("umount", point)
    except LabError as error:
        if "busy" not in str(error):
            raise
        return False
    return True


def remove(folder: Path) -> None:
    """Remove a tree; first what is mounted in it, so that nothing of the host's is deleted."""
    if folder.exists():
        umount_below(folder.resolve())
        if left := below(folder.resolve()):
            raise LabError(f"not removing {folder}: {left[0]} is still mounted")
        _run("rm", "-rf", "--one-file-system", folder)


def in_use(folder: Path) -> bool:
    """Whether a mounted overlay stands on this folder."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    return any(str(folder) in line.split(" - ")[1].replace(",", ":").replace("=", ":").split(":")
               for line in mounts.splitlines())


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise LabError(f"could not {' '.join(map(str, command))}{tail(done.stdout)}")


def _unescape(text: str) -> str:
    """Undo the octal escapes of proc(5): a space is \\040."""
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
