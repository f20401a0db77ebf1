"""The host: every effect on a machine goes through here. `root` is "/", or a scratch folder in tests."""
import contextlib
import fcntl
import grp
import os
import pwd
import shutil
import subprocess
import tempfile
from typing import Iterator, List, Optional

from smallmail.errors import Problem
from smallmail.tree import File

STATE = "var/lib/smallmail"


class Failed(Problem):
    """A command that ended badly; the message carries what it said."""


class Host:
    """A machine, seen from its root folder. Paths are without the leading slash."""

    def __init__(self, root: str = "/") -> None:
        self.root = root

    def path(self, path: str) -> str:
        """Where that path is on this machine."""
        return os.path.join(self.root, path)

    def exists(self, path: str) -> bool:
        """Whether there is something at that path."""
        return os.path.exists(self.path(path))

    def file(self, path: str) -> Optional[File]:
        """The file there with its permissions; None when there is none."""
        try:
            with open(self.path(path), "rb") as stream:
                status = os.fstat(stream.fileno())
                return File(stream.read(), status.st_mode & 0o7777, _user_name(status.st_uid),
                            _group_name(status.st_gid))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def text(self, path: str) -> str:
        """The file's text; empty when there is none."""
        file = self.file(path)
        return file.content.decode("utf-8", "replace") if file else ""

    def write(self, path: str, file: File) -> None:
        """Put the file there, whole or not at all: written beside, synced, renamed. Folders are made as needed."""
        target = self.path(path)
        folder = os.path.dirname(target)
        os.makedirs(folder, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix="." + os.path.basename(target) + ".", suffix=".smallmail-new",
                                              dir=folder)
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
        _sync(folder)

    def remove(self, path: str) -> None:
        """Remove the file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(path))
            _sync(os.path.dirname(self.path(path)))

    def put(self, path: str, file: Optional[File]) -> None:
        """Write the file, or remove what is there when it is None."""
        if file is None:
            self.remove(path)
        else:
            self.write(path, file)

    def directory(self, path: str, mode: int = 0o755, owner: str = "root", group: str = "root") -> None:
        """A folder with these permissions; what is in it is left alone."""
        os.makedirs(self.path(path), exist_ok=True)
        descriptor = os.open(self.path(path), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            self._own(descriptor, owner, group)
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def point(self, link: str, target: str) -> bool:
        """Let the symbolic link say that target, in one step; False when it says so already."""
        if os.path.islink(self.path(link)) and os.readlink(self.path(link)) == target:
            return False
        beside = self.path(link) + ".smallmail-new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        os.symlink(target, beside)
        os.rename(beside, self.path(link))
        _sync(os.path.dirname(self.path(link)))
        return True

    def run(self, command: List[str], text: str = "") -> str:
        """Run a command with `text` on its standard input; its output with what it said on stderr. Raises Failed.

        A maintainer script's file descriptors 0 and 3 belong to debconf: children get neither.
        """
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
        done = subprocess.Popen(command, pass_fds=(3,), cwd="/", env=dict(os.environ, DEBCONF_REDIR="1"))
        if done.wait() != 0:
            raise Failed("'{}' ended with {}".format(" ".join(command), done.returncode))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the one lock of all that changes this host; raises Problem when another smallmail holds it."""
        self.directory(STATE)
        with open(self.path(STATE + "/lock"), "w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem("another smallmail is changing this host: try again when it is done")
            yield

    @contextlib.contextmanager
    def stage(self) -> Iterator["Host"]:
        """A scratch host beside this one, holding copies of the daemons' configuration, gone afterwards."""
        folder = self.path(STATE + "/stage")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        try:
            for daemon in ("postfix", "dovecot", "rspamd"):
                if self.exists("etc/" + daemon):
                    shutil.copytree(self.path("etc/" + daemon), os.path.join(folder, "etc", daemon), symlinks=True)
            yield Host(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _own(self, descriptor: int, owner: str, group: str) -> None:
        if os.geteuid() == 0 and self.root == "/":
            # A number stands for an owner that has no name on this host.
            os.fchown(descriptor, int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid,
                      int(group) if group.isdigit() else grp.getgrnam(group).gr_gid)


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


def _sync(folder: str) -> None:
    """Make a rename or removal in that folder outlive a power cut (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
