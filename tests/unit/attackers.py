"""What a user who owns a folder can put there in the place of what root expects, and a host with something to lose."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from smallmail.machine.host import Host

# Users by name, as on a mail server; the numbers are nobody's.
USERS = {"root": 0, "_rspamd": 61001, "vmail": 61002, "postfix": 61003, "dovecot": 61004, "bob": 61005,
         "mailbans": 61006, "smallmail-limits": 61007, "redis": 61008}
CANARY = "etc/canary"
NAMES = ("file", "keys.json", "example.org.dkim.key", "junk.svbin", "controller.sock", "milter.sock", "1-2.spam")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives folders to other users")


class Victim:
    """A host on which files have owners, with a folder of root's that nobody may touch."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=USERS[name]))
        monkeypatch.setattr(grp, "getgrnam", lambda name: SimpleNamespace(gr_gid=USERS[name], gr_mem=["_rspamd"]))
        root.chmod(0o755)
        self.root, self.host = root, Host(str(root), owns=True)
        self.canary = root / CANARY
        (self.canary / "dkim").mkdir(parents=True)
        for folder in (self.canary, self.canary / "dkim"):
            for name in NAMES:
                (folder / name).write_text("root's own\n")
                (folder / name).chmod(0o600)
        (self.canary / "empty").mkdir()
        self._before = self._state()

    def folder(self, path: str, owner: str, mode: int = 0o755, group: str = "") -> Path:
        """Make a folder of that user and group; those above it are root's, unless they exist."""
        made = self.root / path
        made.mkdir(parents=True, exist_ok=True)
        made.chmod(mode)
        os.chown(made, USERS[owner], USERS[group or owner])
        return made

    def assert_untouched(self) -> None:
        assert self._state() == self._before

    def _state(self) -> dict[str, tuple[object, ...]]:
        """Owner, mode, names and content of all that is root's; not the number of names, which a hard link changes."""
        found: dict[str, tuple[object, ...]] = {}
        for path in sorted([self.canary, *self.canary.rglob("*")]):
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else os.listdir(path)
            found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, status.st_ino, content)
        return found


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(path.name + ".gone"))
    elif path.exists() or path.is_symlink():
        path.unlink()


def absolute_link(path: Path, canary: Path) -> None:
    path.symlink_to(canary / path.name if (canary / path.name).exists() else canary)


def relative_link(path: Path, canary: Path) -> None:
    target = canary / path.name if (canary / path.name).exists() else canary
    path.symlink_to(os.path.relpath(target, path.parent))


def chain_of_links(path: Path, canary: Path) -> None:
    """The second one leaves the folder."""
    absolute_link(path.with_name(path.name + ".next"), canary / path.name if (canary / path.name).exists() else canary)
    path.symlink_to(path.name + ".next")


def circle(path: Path, _: Path) -> None:
    path.symlink_to(path.name)


def dangling_link(path: Path, canary: Path) -> None:
    path.symlink_to(canary / "empty/new")


def fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def hard_link(path: Path, canary: Path) -> None:
    os.link(canary / (path.name if (canary / path.name).is_file() else "file"), path)


def folder(path: Path, _: Path) -> None:
    path.mkdir()
    (path / "something").touch()


ATTACKS: list[Callable[[Path, Path], None]] = [
    absolute_link, relative_link, chain_of_links, circle, dangling_link, fifo, hard_link, folder]


def attack(how: Callable[[Path, Path], None], path: Path, canary: Path) -> None:
    """Put it in the place of what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _gone(path)
    how(path, canary)
