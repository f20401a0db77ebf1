"""What is plainly wrong on the host itself: one judgement for `smallmail status` and `smallmail check`."""
import os
from typing import Dict, Iterator, List, NamedTuple

from smallmail.configuration import plan
from smallmail.configuration.plan import Change
from smallmail.findings import Finding, Group
from smallmail.machine.host import Host

_GROUP = Group("host")

# Of a large disk a small part is still much.
_FEW_PERCENT = 5
_MUCH = 5 << 30

Space = NamedTuple("Space", [
    ("directory", str),
    ("device", int),
    ("free", int),          # bytes, as everybody but root has them
    ("size", int),
    ("inodes_free", int),
    ("inodes", int),        # 0 where the file system has no fixed number
])


def space(host: Host, directory: str) -> Space:
    """The room where that directory is, or will be."""
    folder = host.path(directory[1:])
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    found = os.statvfs(folder)
    return Space(directory, os.stat(folder).st_dev, found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize,
                 found.f_favail, found.f_files)


def full(found: Space) -> Iterator[Finding]:
    """Whether there is room left."""
    if found.free < min(found.size * _FEW_PERCENT // 100, _MUCH):
        yield _GROUP.problem(
            "the disk under {} is nearly full".format(found.directory),
            "{} MiB are left of {}. Postfix takes no more mail when it is full.".format(
                found.free >> 20, found.size >> 20), "du -xh {} | sort -h | tail".format(found.directory))
    if found.inodes_free < found.inodes * _FEW_PERCENT // 100:
        yield _GROUP.problem(
            "the disk under {} has hardly any inodes left".format(found.directory),
            "{} are left of {}. Every message is a file.".format(found.inodes_free, found.inodes),
            "du -x --inodes {} | sort -n | tail".format(found.directory))


def stopped(states: Dict[str, str]) -> Iterator[Finding]:
    """The services that do not run, by what systemd calls their state."""
    for name, word in states.items():
        if word not in ("active", "reloading"):
            yield _GROUP.problem("{} is {}".format(name, word), "Without it mail does not flow as it should.",
                                 "journalctl -u {}\nsystemctl restart {}".format(name, name))


def drift(changes: List[Change]) -> Iterator[Finding]:
    """Where the host is not as the settings say."""
    to_do = plan.to_do(changes)
    if to_do:
        yield _GROUP.problem("not all is as the settings say",
                             "; ".join(plan.describe(change) for change in to_do), "smallmail plan\nsmallmail apply")
    for change in plan.by_hand(changes):
        yield _GROUP.note(plan.describe(change))


def set_aside(paths: List[str]) -> Iterator[Finding]:
    """The admin's own files that a new version did not take."""
    for path in paths:
        yield _GROUP.problem("{} was set aside because a new version refused it".format(path),
                             "What you had set there is not in force.",
                             "mend it and move it back, or remove it; then: smallmail apply")
