"""Copy a folder of a host onto a stage, for daemons to judge, so that its links lead to the same there.

An admin's folders may be full of links (GNU Stow, a git checkout). A relative one would lead to another place from the
stage, and one to a file that is staged as well would lead to the live file.
"""
import contextlib
import os
from typing import Iterable, Iterator, Optional

from smallmail.machine import walk


def copy(root: str, folder: str, stage: str, others: Iterable[str], owns: bool) -> None:
    """Copy a folder below `root` to the same path below `stage`, with all in it. `others`: all folders that are on the
    stage; `owns`: whether the copies get their owners, too. Raises OSError."""
    import shutil  # noqa: PLC0415 (few verbs need it)

    source, made = os.path.join(root, folder), os.path.join(stage, folder)
    shutil.copytree(source, made, symlinks=True)
    if owns:
        _give_owners(source, made)
    for link in list(_links(made)):
        _redirect(root, stage, os.path.relpath(link, stage), others, owns)


def _give_owners(source: str, made: str) -> None:
    """Give a copied folder and all in it the owners that they have."""
    for folder, folders, files in os.walk(made):
        for path in [folder] + [os.path.join(folder, name) for name in folders + files]:
            with contextlib.suppress(FileNotFoundError):    # it has gone since
                status = os.lstat(os.path.join(source, os.path.relpath(path, made)))
                os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def _links(made: str) -> Iterator[str]:
    for folder, folders, files in os.walk(made):
        for path in (os.path.join(folder, name) for name in folders + files):
            if os.path.islink(path):
                yield path


def _redirect(root: str, stage: str, link: str, staged: Iterable[str], owns: bool) -> None:
    """Let a copied link lead to what it leads to on the host, or to the copy of that. Nothing is written through such a
    link: a folder outside is a folder of links on the stage."""
    end = _end(root, link)
    if end is None:
        return      # it leads nowhere, or where another user decides: no daemon's configuration is there
    inside = any((end + "/").startswith(folder + "/") for folder in staged)
    path, target = os.path.join(stage, link), os.path.join(stage if inside else root, end)
    os.unlink(path)
    if inside or not os.path.isdir(target):
        os.symlink(target, path)
        return
    os.mkdir(path)
    for name in os.listdir(target):
        os.symlink(os.path.join(target, name), os.path.join(path, name))
    status = os.stat(target)
    if owns:
        os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, status.st_mode & 0o7777)


def _end(root: str, link: str) -> Optional[str]:
    """Return where a link ends, below the root and without links; None if that does not exist."""
    try:
        with walk.to(root, link) as place:
            os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
            return place.path
    except (OSError, walk.Diverted):
        return None
