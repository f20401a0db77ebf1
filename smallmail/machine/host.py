"""Host: read and write a machine's files, and run commands on it.

`root` is "/", or a scratch folder: in tests, and for new configuration that a daemon is to judge (stage()). Files are
those below root. Commands, services, ports and addresses are always those of the machine that runs the code.

No method follows a symbolic link that another user could have made (walk.Diverted), or waits for a FIFO: see walk.py.
"""
import contextlib
import fcntl
import os
import stat
import time
from typing import Any, Callable, Iterable, Iterator, List, Optional

from smallmail.errors import Problem
from smallmail.machine import staging, state, walk
from smallmail.machine.file import File, bytes_of, group_name, group_number, text_of, user_name, user_number

# Seconds that one smallmail waits for another: an apply that waits for Rspamd takes a minute.
_PATIENCE = 120.0

# Seconds that a command may take with another user's rights: rspamadm compiles patterns on a small machine.
_OTHERS_TIME = 120

# How timeout(1) ends when a command has not ended in time, and when it did not end by SIGTERM either.
_TOO_LATE = (124, 137)


class Failed(Problem):
    """A command failed; the message has its output."""


class Busy(Problem):
    """Another smallmail process holds the lock."""


class Host:
    """A machine, by its root folder. Paths are without the leading slash."""

    def __init__(self, root: str = "/", owns: Optional[bool] = None) -> None:
        """`owns`: whether files get their owners. On a real machine they do, in a scratch folder they do not."""
        self.root = root
        self._owns = os.geteuid() == 0 and root == "/" if owns is None else owns

    def path(self, path: str) -> str:
        """Return the path with the root before it."""
        return os.path.join(self.root, path)

    def exists(self, path: str) -> bool:
        """Tell whether that path exists."""
        try:
            with walk.to(self.root, path) as place:
                os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
        except OSError:
            return False
        return True

    def names(self, folder: str) -> List[str]:
        """List the names in a folder; none if the folder does not exist."""
        try:
            with walk.into(self.root, folder) as place:
                return os.listdir(place.folder)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def real(self, path: str) -> str:
        """Return the path of a folder that exists, without links."""
        with walk.into(self.root, path) as place:
            return place.path

    def file(self, path: str) -> Optional[File]:
        """Read a file with its permissions; None if it does not exist, or is not a file. Raises what walk.file does."""
        try:
            with walk.to(self.root, path) as place:
                found = walk.file(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return File(found[0], found[1].st_mode & 0o7777, user_name(found[1].st_uid),
                    group_name(found[1].st_gid)) if found else None

    def text(self, path: str) -> str:
        """Read a file's text, as text_of() has it; empty if it does not exist."""
        found = self.file(path)
        return text_of(found.content) if found else ""

    def write(self, path: str, file: File) -> None:
        """Write a file, whole or not at all: under another name first, synced, then renamed. Makes missing folders.

        If the path is a symbolic link to a file, that file is replaced and the link stays.
        """
        self.remove_unfinished(path)
        with walk.to(self.root, path, follow=self._is_file(path), make=True) as place:
            beside = _beside(place.name)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600,
                                 dir_fd=place.folder)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(file.content)
                    self._own(stream.fileno(), file.owner, file.group, file.mode)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.rename(beside, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
            except BaseException:
                os.unlink(beside, dir_fd=place.folder)
                raise
            walk.sync(place)

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        with contextlib.suppress(FileNotFoundError), walk.to(self.root, path, follow=False) as place:
            os.unlink(place.name, dir_fd=place.folder)
            walk.sync(place)

    def remove_folder(self, path: str) -> None:
        """Remove a folder, if it is empty; one that the machine does not let go of (a mount point) stays, too."""
        with contextlib.suppress(OSError), walk.to(self.root, path, follow=False) as place:
            os.rmdir(place.name, dir_fd=place.folder)
            walk.sync(place)

    def remove_unfinished(self, path: str) -> None:
        """Remove the temporary file of a write() to that path that was killed."""
        for follow in (False, True):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), \
                    walk.to(self.root, path, follow) as place:
                os.unlink(_beside(place.name), dir_fd=place.folder)

    def put(self, path: str, file: Optional[File]) -> None:
        """Write the file, or remove the one that exists if it is None."""
        if file is None:
            self.remove(path)
        else:
            self.write(path, file)

    def directory(self, path: str, mode: int = 0o755, owner: str = "root", group: str = "root") -> None:
        """Make a folder with these permissions, or give them to one that exists; its content is not touched. Raises
        Problem where another user could put another folder in its place."""
        with walk.into(self.root, path, make=True) as place:
            status = os.fstat(place.folder)
            if place.is_movable and self._owns and status.st_uid != user_number(owner):
                raise Problem("/{} is in a folder that another user can change: 'chown {}:{}' it".format(
                    place.path, owner, group))
            if status.st_mode & 0o7777 != mode or not self._has(status, owner, group):  # else it may be read-only
                self._own(place.folder, owner, group, mode)

    def link(self, path: str) -> Optional[str]:
        """Return the target of a symbolic link; None if the path is not one."""
        try:
            with walk.to(self.root, path, follow=False) as place:
                return os.readlink(place.name, dir_fd=place.folder)
        except OSError:
            return None

    def point(self, link: str, target: Optional[str]) -> None:
        """Let a symbolic link point to that target, in one step; None removes it."""
        if self.link(link) == target:
            return
        if target is None:
            self.remove(link)
            return
        self.remove_unfinished(link)
        with walk.to(self.root, link, follow=False) as place:
            os.symlink(target, _beside(place.name), dir_fd=place.folder)
            os.rename(_beside(place.name), place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
            walk.sync(place)

    def run(self, command: List[str], text: str = "", user: str = "",
            heard: Optional[Callable[[str], None]] = None, seconds: int = 0) -> str:
        """Run a command with `text` on its standard input. Returns its output and its errors; raises Failed. `user`:
        root lets it run with the rights of that user. `heard`: is told each line as it comes; what is
        returned are then the last ones. `seconds`: how long it may take, for ever if that is 0 and `user` is "".

        A maintainer script's file descriptors 0 and 3 belong to debconf: children get neither.
        """
        import subprocess  # noqa: PLC0415 (as long to load as Python takes to start, and few verbs run commands)

        seconds = seconds or (_OTHERS_TIME if user else 0)
        # A process that keeps a lock or waits for a user must not keep root waiting: coreutils has timeout(1).
        within = ["timeout", "--kill-after=5", str(seconds)] if seconds else []
        began = time.monotonic()
        try:
            done = subprocess.Popen(within + self._as_user(user) + command, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, close_fds=True, cwd="/",
                                    env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=""))
        except OSError as error:
            raise Failed("{}: {}".format(command[0], error.strerror))
        try:
            said = _output(done, text, seconds + 10 if seconds else None, heard)
        except subprocess.TimeoutExpired:   # another process of that user has a copy of the pipe (pidfd_getfd(2))
            done.kill()
            done.stdout.close()     # type: ignore[union-attr]
            raise _late(command, seconds)
        if within and done.returncode in _TOO_LATE and time.monotonic() - began >= seconds:
            raise _late(command, seconds)
        if done.returncode != 0:
            raise Failed("'{}' failed: {}".format(" ".join(command[:3]), said.strip() or done.returncode))
        return said

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
        for folder in (state.FOLDER, state.LOCKS):
            self.directory(folder, state.FOLDERS[folder].mode)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        with os.fdopen(os.open(self.path(path), flags, state.FILES[path].mode), "w") as stream:
            deadline = time.monotonic() + patience
            while not _locked(stream.fileno()):
                if time.monotonic() >= deadline:
                    raise Busy("another smallmail is changing this host: try again when it is done")
                time.sleep(0.1)
            yield

    @contextlib.contextmanager
    def stage(self, folders: Iterable[str]) -> Iterator["Host"]:
        """Provide a scratch host with copies of these folders, which is removed afterwards. Each user may read there
        what that user may read here."""
        import shutil  # noqa: PLC0415 (as subprocess)

        folder = self.path(state.STAGE)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        stage = Host(folder, self._owns)
        try:
            for copied in filter(self.exists, folders):
                stage.directory(os.path.dirname(copied))
                staging.copy(self.root, copied, folder, folders, self._owns)
            os.chmod(folder, state.FOLDERS[state.STAGE].mode)   # now that each file has its permissions
            yield stage
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _as_user(self, user: str) -> List[str]:
        """Return what runs a command as that user: coreutils has it in all suites."""
        if not user or not self._owns:
            return []
        return ["chroot", "--userspec={0}:{0}".format(user), "--groups={}".format(user), "/"]

    def _is_file(self, path: str) -> bool:
        """Tell whether the path, or an admin's link there, ends at a file that exists."""
        try:
            with walk.to(self.root, path) as place:
                return stat.S_ISREG(os.stat(place.name, dir_fd=place.folder, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def _has(self, found: os.stat_result, owner: str, group: str) -> bool:
        return not self._owns or (found.st_uid, found.st_gid) == (user_number(owner), group_number(group))

    def _own(self, descriptor: int, owner: str, group: str, mode: int) -> None:
        if self._owns:
            os.fchown(descriptor, user_number(owner), group_number(group))
        os.fchmod(descriptor, mode)


def _beside(name: str) -> str:
    """Return the hidden temporary name of a file."""
    return ".{}.smallmail-new".format(name)


def _late(command: List[str], seconds: int) -> Failed:
    return Failed("'{}' did not end within {} seconds".format(" ".join(command[:3]), seconds))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _output(process: Any, text: str, seconds: Optional[float], heard: Optional[Callable[[str], None]]) -> str:
    """Wait for a process, and so many seconds at most. Returns what it said; if `heard` is told each line as it comes,
    only the last ones."""
    if heard is None:
        return text_of(process.communicate(bytes_of(text), timeout=seconds)[0])
    process.stdin.close()
    last = []   # type: List[str]
    for line in process.stdout:
        heard(text_of(line))
        last = last[-20:] + [text_of(line)]
    process.wait()
    return "".join(last)
