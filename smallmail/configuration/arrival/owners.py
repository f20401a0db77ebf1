"""Give files their owners, where a backup of another machine brought its numbers of users along.

A number may be another user's here. So nobody but root can enter the folder until all in it is right, and no link is
followed.
"""
import os
import stat
from typing import Callable, Tuple

from smallmail.machine import walk
from smallmail.machine.file import group_number, user_number
from smallmail.machine.host import Host

# By the path of what is found, its owner and its group.
Owner = Callable[[str], Tuple[str, str]]

# A file system's own folder is root's.
_NOT_OURS = "lost+found"


def give(host: Host, folder: str, owner: Owner) -> int:
    """Give the folder and all in it the owners that they should have. Returns how many things had others. Raises
    OSError and walk.Diverted."""
    with walk.into(host.root, folder) as place:
        status = os.fstat(place.folder)
        os.fchown(place.folder, 0, 0)
        os.fchmod(place.folder, 0o700)
        try:
            return _inside(place.folder, folder, owner)
        finally:
            # Cut off before this, the folder stays closed, and the next try opens it.
            os.fchmod(place.folder, stat.S_IMODE(status.st_mode))
            os.fchown(place.folder, *_numbers(owner(folder)))


def _inside(folder: int, path: str, owner: Owner) -> int:
    changed = 0
    for name in os.listdir(folder):
        if name == _NOT_OURS:
            continue
        below = "{}/{}".format(path, name)
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                changed += _inside(descriptor, below, owner)
            finally:
                os.close(descriptor)
        wanted = _numbers(owner(below))
        if (status.st_uid, status.st_gid) != wanted:
            os.chown(name, wanted[0], wanted[1], dir_fd=folder, follow_symlinks=False)
            changed += 1
    return changed


def _numbers(names: Tuple[str, str]) -> Tuple[int, int]:
    return user_number(names[0]), group_number(names[1])
