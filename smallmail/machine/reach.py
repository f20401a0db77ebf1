"""Find folders and files that those who need them cannot reach: a umask, a restored backup or a chmod closed them."""
import os
import stat
from collections import OrderedDict
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional

from smallmail.machine.file import group_name, user_name
from smallmail.machine.host import Host
from smallmail.machine.state import Permissions

_ACL = "system.posix_acl_access"

Closed = NamedTuple("Closed", [
    ("path", str),      # a folder or file, without the leading slash
    ("found", int),     # its mode
    ("needed", int),    # the mode with what is missing
    ("below", str),     # what cannot be reached for that reason; the path itself if it is that
])


def closed(host: Host, needed: Dict[str, Permissions], passed: Iterable[str] = ()) -> List[Closed]:
    """Look at all folders on the way to these paths, and at the paths that exist. `passed`: files to which any user may
    have to come. Returns what is closed, each once, the highest folder first."""
    found = OrderedDict()   # type: Dict[str, Closed]
    for path, wanted in needed.items():
        for each in _one(host, path, wanted):
            found.setdefault(each.path, each)
    for path in passed:
        for each in _above(host, path, Permissions(0o001, "root", "root")):
            found.setdefault(each.path, each)
    return list(found.values())


def sentence(each: Closed) -> str:
    """Return the sentence for that folder or file."""
    return "/{} has the mode {:04o}, so that programs that need {} cannot read it: type 'chmod {:o} /{}'".format(
        each.path, each.found, "it" if each.below == each.path else "/" + each.below, each.needed, each.path)


def _one(host: Host, path: str, wanted: Permissions) -> Iterator[Closed]:
    yield from _above(host, path, wanted)
    status = _status(host, path)
    if status and not stat.S_ISLNK(status.st_mode):
        mode = stat.S_IMODE(status.st_mode)
        if wanted.mode & ~mode and not _has_acl(host, path):
            yield Closed(path, mode, mode | wanted.mode, path)


def _above(host: Host, path: str, wanted: Permissions) -> Iterator[Closed]:
    """Yield the folders above a path that exists which its readers may not pass."""
    parts = path.split("/")
    is_roots = wanted.owner == "root" and not wanted.mode & 0o077
    if is_roots or not _status(host, path):
        return
    for number in range(1, len(parts)):
        folder = "/".join(parts[:number])
        status = _status(host, folder)
        if not status or not stat.S_ISDIR(status.st_mode) or _has_acl(host, folder):
            continue    # what a link leads to is the admin's
        missing = _missing(status, wanted)
        if missing:
            mode = stat.S_IMODE(status.st_mode)
            yield Closed(folder, mode, mode | missing, path)


def _missing(status: os.stat_result, wanted: Permissions) -> int:
    """Return the bit without which a reader cannot pass a folder, or 0."""
    owner, group = user_name(status.st_uid), group_name(status.st_gid)
    if wanted.mode & stat.S_IRWXO:
        # A folder that the admin gave to a daemon or its group is open to it.
        given = (owner != "root" and status.st_mode & stat.S_IXUSR) or (group != "root"
                                                                        and status.st_mode & stat.S_IXGRP)
        return 0 if given or status.st_mode & stat.S_IXOTH else stat.S_IXOTH
    missing = 0
    if wanted.owner != "root":
        bit = _bit(wanted.owner == owner, wanted.owner == group)
        missing |= bit & ~status.st_mode
    if wanted.mode & stat.S_IRWXG and wanted.group != "root":
        bit = _bit(False, wanted.group == group)
        missing |= bit & ~status.st_mode
    return missing


def _bit(is_owner: bool, is_group: bool) -> int:
    if is_owner:
        return stat.S_IXUSR
    return stat.S_IXGRP if is_group else stat.S_IXOTH


def _status(host: Host, path: str) -> Optional[os.stat_result]:
    try:
        return os.lstat(host.path(path))
    except OSError:
        return None


def _has_acl(host: Host, path: str) -> bool:
    """Tell whether an access control list decides (acl(5)): then the mode says little."""
    try:
        return bool(os.getxattr(host.path(path), _ACL, follow_symlinks=False))
    except OSError:
        return False
