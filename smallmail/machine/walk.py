"""Walk to files and folders so that nobody but root decides where the way ends.

A user who can write a folder can put a symbolic link, or another folder, where root expects its own, also while root is
on its way (path_resolution(7), symlink(7)). So each folder is opened relative to the one before it. In a folder that
root alone writes, the links are the admin's, and are followed. In a folder that another user writes, and everywhere
below it, only a link to a name in the same folder is followed (that user could rename the thing as well), and no folder
is made.
"""
import contextlib
import errno
import os
import stat
from typing import Container, Iterator, List, NamedTuple, Optional, Tuple  # noqa: F401 (List: in a type comment)

from smallmail.errors import Problem

# As many as the kernel follows (path_resolution(7)).
_MOST_LINKS = 40
# Bytes that are read of a file which another user can write.
_LARGEST = 1 << 25
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Place = NamedTuple("Place", [
    ("folder", int),        # a descriptor of the folder
    ("name", str),          # a name in it, not that of a link to follow; "." for the folder itself
    ("path", str),          # the whole path without links, below the root
    ("is_movable", bool),   # another user can put another thing in the place of this one
])

_Folder = NamedTuple("_Folder", [
    ("descriptor", int),
    ("name", str),
    ("is_movable", bool),
    ("is_shared", bool),    # another user can write it, or one above it
])


class Diverted(Problem):
    """Another user can change where the path ends; the message is one sentence for the admin."""


@contextlib.contextmanager
def to(root: str, path: str, follow: bool = True, make: bool = False) -> Iterator[Place]:
    """Walk to the folder of a file. Yields the place of the file, which need not exist. `follow`: if the path is a
    link, walk on to its target; `make`: make missing folders. Raises Diverted, and OSError if a folder does not exist.
    """
    with _walking(root, make) as way, _named(way):
        folder, name = os.path.split(path.strip("/"))
        way.enter(folder, make)
        target = way.target(name) if follow else None
        while target is not None:
            folder, name = os.path.split(target.rstrip("/"))
            if target.startswith("/"):
                folder = way.from_root(folder)
            way.enter(folder)
            target = way.target(name)
        if name in ("", ".", ".."):
            way.enter(name)
            name = "."
        yield Place(way.here.descriptor, name, os.path.normpath(os.path.join(way.path, name)), way.here.is_shared)


@contextlib.contextmanager
def into(root: str, path: str, make: bool = False) -> Iterator[Place]:
    """Walk into a folder. Yields it, open for reading; `make` and errors as in to()."""
    with _walking(root, make) as way, _named(way):
        way.enter(path.strip("/"), make)
        descriptor = os.open(".", os.O_RDONLY | _FOLDER, dir_fd=way.here.descriptor)
        try:
            yield Place(descriptor, ".", way.path, way.here.is_movable)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Tuple[int, os.stat_result]]:
    """Open the thing at a place for reading, without waiting for the other end of a FIFO. Yields the descriptor and
    what it is. Raises OSError; Diverted if it has become a link."""
    try:
        descriptor = os.open(place.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
                             dir_fd=place.folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _diverted(place.path)
        raise
    try:
        yield descriptor, os.fstat(descriptor)
    finally:
        os.close(descriptor)


def content(descriptor: int, most: int = -1) -> bytes:
    """Read an open file, or so many bytes of it at most. Returns what was read."""
    with open(descriptor, "rb", closefd=False) as stream:
        return stream.read(most)


def file(place: Place) -> Optional[Tuple[bytes, os.stat_result]]:
    """Read a file. Returns its content and what it is; None if it is not a file (a FIFO, a folder, a socket). Raises
    Problem where another user can keep us from reading it."""
    try:
        with opened(place) as (descriptor, status):
            if not stat.S_ISREG(status.st_mode):
                return None
            found = content(descriptor, _LARGEST + 1 if place.is_movable else -1)
    except OSError as error:
        if error.errno == errno.ENXIO:      # a socket (open(2))
            return None
        if error.errno == errno.EAGAIN:
            raise Problem("/{} cannot be read now: another program has a lease on it (fcntl(2), F_SETLEASE)".format(
                place.path))
        raise
    if place.is_movable and len(found) > _LARGEST:
        raise Problem("/{} is too large to be what smallmail reads".format(place.path))
    return found, status


def plain_content(place: Place, most: int, owners: Container[int]) -> bytes:
    """Read a file that another user may have put there. Returns its content. Raises Problem if it is anything but a
    file of these owners, with one name only, and of at most so many bytes; OSError if it does not exist."""
    with opened(place) as (descriptor, status):
        wrong = ""
        if not stat.S_ISREG(status.st_mode):
            wrong = "is not a file"
        elif status.st_nlink != 1:
            wrong = "has another name as well (a hard link)"
        elif status.st_uid not in owners:
            wrong = "belongs to another user"
        found = b"" if wrong else content(descriptor, most + 1)
        if len(found) > most:
            wrong = "is too large"
        if wrong:
            raise Problem("/{} {}".format(place.path, wrong))
        return found


def is_shared(status: os.stat_result) -> bool:
    """Tell whether a user other than root (and the one that runs this code) can write the folder of this status."""
    writers = stat.S_IWOTH | (0 if status.st_gid in (0, os.getegid()) else stat.S_IWGRP)
    return status.st_uid not in (0, os.geteuid()) or bool(status.st_mode & writers)


def sync(place: Place) -> None:
    """Sync the folder of a place, so that a power cut does not undo a rename or removal in it (fsync(2))."""
    _sync(place.folder)


class _Way:
    """The folders from the root to where we are, all of them open."""

    def __init__(self, root: str, make: bool) -> None:
        self._root = root.rstrip("/")
        self._links = 0
        self._folders = []  # type: List[_Folder]
        if make:
            os.makedirs(root, exist_ok=True)    # a scratch folder's
        descriptor = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folders.append(_Folder(descriptor, "", False, is_shared(os.fstat(descriptor))))

    @property
    def here(self) -> _Folder:
        return self._folders[-1]

    @property
    def path(self) -> str:
        return "/".join(folder.name for folder in self._folders[1:])

    def close(self) -> None:
        while self._folders:
            os.close(self._folders.pop().descriptor)

    def enter(self, path: str, make: bool = False) -> None:
        """Walk on from here, along a path that is not absolute."""
        for name in path.split("/"):
            target = None if name in ("", ".", "..") else self.target(name)
            if name == ".." and len(self._folders) > 1:
                os.close(self._folders.pop().descriptor)
            elif target is not None:
                self.enter(self.from_root(target) if target.startswith("/") else target)
            elif name not in ("", ".", ".."):
                self._open(name, make)

    def target(self, name: str) -> Optional[str]:
        """Return the target of a link in this folder; None if the name is not a link. Raises Diverted if it is one that
        must not be followed."""
        try:
            target = os.readlink(name, dir_fd=self.here.descriptor) if name else None
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise
        if target is None:
            return None
        if self.here.is_shared and ("/" in target or target == ".."):
            raise _diverted(os.path.join(self.path, name))
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), "/" + os.path.join(self.path, name))
        return target

    def from_root(self, target: str) -> str:
        """Go back to the root. Returns the rest of the way to the target of an absolute link. A link that leaves a
        scratch folder is a link to nothing."""
        if not (target + "/").startswith(self._root + "/"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), target)
        while len(self._folders) > 1:
            os.close(self._folders.pop().descriptor)
        return target[len(self._root):].strip("/")

    def _open(self, name: str, make: bool) -> None:
        try:
            descriptor = os.open(name, os.O_PATH | _FOLDER, dir_fd=self.here.descriptor)
        except FileNotFoundError:
            if not make:
                raise
            self._make(name)
            descriptor = os.open(name, os.O_PATH | _FOLDER, dir_fd=self.here.descriptor)
        is_writable = is_shared(os.fstat(descriptor))
        self._folders.append(_Folder(descriptor, name, self.here.is_shared, self.here.is_shared or is_writable))

    def _make(self, name: str) -> None:
        """Make a folder here, synced, so that a power cut does not undo it."""
        if self.here.is_shared:
            raise Diverted("/{} does not exist, and is in a folder that another user can change: create it, and give it"
                           " to the user who needs it".format(os.path.join(self.path, name)))
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=self.here.descriptor)
        _sync(self.here.descriptor)


@contextlib.contextmanager
def _walking(root: str, make: bool) -> Iterator[_Way]:
    way = _Way(root, make)
    try:
        yield way
    finally:
        way.close()


@contextlib.contextmanager
def _named(way: _Way) -> Iterator[None]:
    """Let an error of the system tell the whole path, also if it is about a name in the folder where we are."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str) and not error.filename.startswith("/"):
            error.filename = os.path.normpath("/" + os.path.join(way.path, error.filename))
        raise


def _diverted(path: str) -> Diverted:
    return Diverted("/{} is a symbolic link in a folder that another user can change: it is not followed; replace it"
                    " with what it points to, or correct the owner of the folder".format(path))


def _sync(folder: int) -> None:
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
