"""Host: read and write a machine's files, and run commands on it.

`root` is "/", or a scratch folder: in tests, and for new configuration that a daemon is to judge (stage()). Files are
those below root. Commands, services, ports and addresses are always those of the machine that runs the code.
"""
import contextlib
import fcntl
import grp
import os
import pwd
import time
from typing import Iterable, Iterator, List, Optional

from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.file import File

# Seconds that one smallmail waits for another: an apply that waits for Rspamd takes a minute.
_PATIENCE = 120.0


class Failed(Problem):
    """A command failed; the message has its output."""


class Busy(Problem):
    """Another smallmail process holds the lock."""


class Host:
    """A machine, by its root folder. Paths are without the leading slash."""

    def __init__(self, root: str = "/") -> None:
        self.root = root

    def path(self, path: str) -> str:
        """Return the path with the root before it."""
        return os.path.join(self.root, path)

    def exists(self, path: str) -> bool:
        """Tell whether that path exists."""
        return os.path.exists(self.path(path))

    def names(self, folder: str) -> List[str]:
        """List the names in a folder; none if the folder does not exist."""
        return os.listdir(self.path(folder)) if os.path.isdir(self.path(folder)) else []

    def file(self, path: str) -> Optional[File]:
        """Read a file with its permissions; None if it does not exist."""
        try:
            with open(self.path(path), "rb") as stream:
                status = os.fstat(stream.fileno())
                return File(stream.read(), status.st_mode & 0o7777, _user_name(status.st_uid),
                            _group_name(status.st_gid))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def text(self, path: str) -> str:
        """Read a file's text; empty if it does not exist."""
        file = self.file(path)
        return file.content.decode("utf-8", "replace") if file else ""

    def write(self, path: str, file: File) -> None:
        """Write a file, whole or not at all: under another name first, synced, then renamed. Makes missing folders.

        If the path is a symbolic link, its target is replaced and the link stays.
        """
        self.remove_unfinished(path)
        target = self._at_the_end(path)
        beside = _beside(target)
        _make_folder(os.path.dirname(target))
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(file.content)
                self._own(stream.fileno(), file.owner, file.group)
                os.fchmod(stream.fileno(), file.mode)
                stream.flush()
                os.fsync(stream.fileno())
            os.rename(beside, target)
        except BaseException:
            os.unlink(beside)
            raise
        _sync(os.path.dirname(target))

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(path))
            _sync(os.path.dirname(self.path(path)))

    def remove_folder(self, path: str) -> None:
        """Remove a folder, if it is empty; one that the machine does not let go of (a mount point) stays, too."""
        with contextlib.suppress(OSError):
            os.rmdir(self.path(path))
            _sync(os.path.dirname(self.path(path)))

    def remove_unfinished(self, path: str) -> None:
        """Remove the temporary file of a write() to that path that was killed."""
        for beside in {_beside(self.path(path)), _beside(self._at_the_end(path))}:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)

    def put(self, path: str, file: Optional[File]) -> None:
        """Write the file, or remove the one that exists if it is None."""
        if file is None:
            self.remove(path)
        else:
            self.write(path, file)

    def directory(self, path: str, mode: int = 0o755, owner: str = "root", group: str = "root") -> None:
        """Make a folder with these permissions, or give them to one that exists; its content is not touched."""
        _make_folder(self.path(path))
        descriptor = os.open(self.path(path), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            self._own(descriptor, owner, group)
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def link(self, path: str) -> Optional[str]:
        """Return the target of a symbolic link; None if the path is not one."""
        return os.readlink(self.path(path)) if os.path.islink(self.path(path)) else None

    def point(self, link: str, target: Optional[str]) -> None:
        """Let a symbolic link point to that target, in one step; None removes it."""
        if self.link(link) == target:
            return
        if target is None:
            self.remove(link)
            return
        self.remove_unfinished(link)
        os.symlink(target, _beside(self.path(link)))
        os.rename(_beside(self.path(link)), self.path(link))
        _sync(os.path.dirname(self.path(link)))

    def run(self, command: List[str], text: str = "") -> str:
        """Run a command with `text` on its standard input. Returns its output and its errors; raises Failed.

        A maintainer script's file descriptors 0 and 3 belong to debconf: children get neither.
        """
        import subprocess  # noqa: PLC0415 (as long to load as Python takes to start, and few verbs run commands)

        try:
            done = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, close_fds=True, cwd="/",
                                    env=dict(os.environ, LC_ALL="C.UTF-8"))
        except OSError as error:
            raise Failed("{}: {}".format(command[0], error.strerror))
        output = done.communicate(text.encode("utf-8"))[0].decode("utf-8", "replace")
        if done.returncode != 0:
            raise Failed("'{}' failed: {}".format(" ".join(command[:3]), output.strip() or done.returncode))
        return output

    def run_in_debconf(self, command: List[str]) -> None:
        """Run a command that joins the maintainer script's debconf session by file descriptors 0 and 3 (ucf)."""
        import subprocess  # noqa: PLC0415

        done = subprocess.Popen(command, pass_fds=(3,), cwd="/", env=dict(os.environ, DEBCONF_REDIR="1"))
        if done.wait() != 0:
            raise Failed("'{}' ended with {}".format(" ".join(command), done.returncode))

    @contextlib.contextmanager
    def lock(self, patience: float = _PATIENCE, path: str = state.LOCK) -> Iterator[None]:
        """Hold the lock for all that changes the daemons' configuration, or another one of state.py. Raises Busy if
        another process still holds it after that many seconds."""
        self.directory(state.FOLDER)
        with open(self.path(path), "w") as stream:
            deadline = time.monotonic() + patience
            while not _locked(stream.fileno()):
                if time.monotonic() >= deadline:
                    raise Busy("another smallmail is changing this host: try again when it is done")
                time.sleep(0.1)
            yield

    @contextlib.contextmanager
    def stage(self, folders: Iterable[str]) -> Iterator["Host"]:
        """Provide a scratch host with copies of these folders, which is removed afterwards."""
        import shutil  # noqa: PLC0415 (as subprocess)

        folder = self.path(state.STAGE)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        try:
            for copied in filter(self.exists, folders):
                shutil.copytree(self.path(copied), os.path.join(folder, copied), symlinks=True)
            yield Host(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _at_the_end(self, path: str) -> str:
        """Follow an admin's symbolic link to its file, but not out of a scratch folder, and not to nothing."""
        there, root = os.path.realpath(self.path(path)), os.path.join(os.path.realpath(self.root), "")
        return there if os.path.isfile(there) and there.startswith(root) else self.path(path)

    def _own(self, descriptor: int, owner: str, group: str) -> None:
        if os.geteuid() == 0 and self.root == "/":
            # file() gives a number for an owner that has no name on this host.
            os.fchown(descriptor, int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid,
                      int(group) if group.isdigit() else grp.getgrnam(group).gr_gid)


def _beside(path: str) -> str:
    """Return the temporary name of a file; hidden, so that no daemon reads it."""
    folder, name = os.path.split(path)
    return os.path.join(folder, ".{}.smallmail-new".format(name))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _make_folder(folder: str) -> None:
    """Make a folder and those above it, synced, so that a power cut does not undo it."""
    if not os.path.isdir(folder):
        _make_folder(os.path.dirname(folder))
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        _sync(os.path.dirname(folder))


def _sync(folder: str) -> None:
    """Sync a folder, so that a power cut does not undo a rename or removal in it (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
