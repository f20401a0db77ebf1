"""Root follows no link, and waits for no FIFO, where another user can change the way; an admin's links work."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smallmail.errors import Problem
from smallmail.machine import walk
from smallmail.machine.file import File
from smallmail.machine.host import Host
from tests.unit.attackers import ATTACKS, USERS, Victim, attack, fifo, needs_root

FILE = File(b"ours\n", 0o644, "root", "root")
ACTIONS: dict[str, Callable[[Host, str], object]] = {
    "exists": Host.exists,
    "names": Host.names,
    "real": Host.real,
    "file": Host.file,
    "text": Host.text,
    "link": Host.link,
    "write": lambda host, path: host.write(path, FILE),
    "remove": Host.remove,
    "remove_folder": Host.remove_folder,
    "remove_unfinished": Host.remove_unfinished,
    "directory": lambda host, path: host.directory(path, 0o777, "bob", "bob"),
    "point": lambda host, path: host.point(path, "elsewhere"),
}

# What the user puts in the place of which part of HIS/sub/file, and what root then asks for.
PLACES = [("sub", "sub/file"), ("sub", "sub/empty"), ("sub", "sub"), ("sub/file", "sub/file"), ("sub", "sub/new/file")]

# Exchanges a folder and a link until it is killed.
SWAPPER = """
import os, sys
folder, link = sys.argv[1:]
while True:
    for source, target in ((folder, link + ".1"), (link, folder), (folder, link), (link + ".1", folder)):
        os.rename(source, target)
"""


@pytest.fixture
def victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Victim:
    return Victim(tmp_path, monkeypatch)


@contextlib.contextmanager
def patience(seconds: int) -> Iterator[None]:
    """A FIFO that is opened without care would wait for ever."""
    def late(*_: object) -> None:
        raise AssertionError("it waits")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@needs_root
@pytest.mark.parametrize("how", ATTACKS, ids=lambda how: how.__name__)
@pytest.mark.parametrize("action", ACTIONS)
def test_what_another_user_put_there_leads_nowhere(victim: Victim, action: str,
                                                   how: Callable[[Path, Path], None]) -> None:
    for owner, mode in (("bob", 0o755), ("root", 0o775), ("root", 0o1777)):
        for number, (replaced, asked) in enumerate(PLACES):
            his = f"home/{owner}-{mode:o}-{number}"
            victim.folder(his, owner, mode, "bob")
            victim.folder(his + "/sub", "root")
            (victim.root / his / "sub/file").write_text("his\n")
            attack(how, victim.root / his / replaced, victim.canary)
            with contextlib.suppress(Problem, OSError), patience(10):
                ACTIONS[action](victim.host, f"{his}/{asked}")
            victim.assert_untouched()


@needs_root
@pytest.mark.parametrize("action", ACTIONS)
def test_what_another_user_exchanges_meanwhile_leads_nowhere(victim: Victim, action: str) -> None:
    """A folder and a link to root's take turns, thousands of times a second."""
    victim.folder("home/bob", "bob")
    for name in ("sub", "sub/dkim"):
        victim.folder("home/bob/" + name, "bob")
        (victim.root / "home/bob" / name / "file").write_text("his\n")
    (victim.root / "home/bob/link").symlink_to(victim.canary)
    swapper = subprocess.Popen([sys.executable, "-c", SWAPPER, victim.root / "home/bob/sub",
                                victim.root / "home/bob/link"])
    refused, deadline = 0, time.monotonic() + 1.5
    try:
        while time.monotonic() < deadline:
            for path in ("home/bob/sub/file", "home/bob/sub/dkim/file", "home/bob/sub/empty", "home/bob/sub"):
                try:
                    ACTIONS[action](victim.host, path)
                except (Problem, OSError):
                    refused += 1
    finally:
        swapper.kill()
        swapper.wait()
    victim.assert_untouched()


@needs_root
def test_what_root_reads_there_is_what_the_user_has(victim: Victim) -> None:
    victim.folder("home/bob", "bob")
    (victim.root / "home/bob/file").write_text("his\n")
    (victim.root / "home/bob/today").symlink_to("file")
    assert victim.host.text("home/bob/file") == "his\n"
    assert victim.host.text("home/bob/today") == "his\n", "he could have renamed it"
    (victim.root / "home/bob/out").symlink_to("../../etc/canary/file")
    with pytest.raises(walk.Diverted, match="/home/bob/out is a symbolic link in a folder that another user"):
        victim.host.text("home/bob/out")
    attack(fifo, victim.root / "home/bob/pipe", victim.canary)
    assert victim.host.file("home/bob/pipe") is None


@needs_root
def test_a_folder_in_another_users_is_neither_made_nor_given_away(victim: Victim) -> None:
    victim.folder("home/bob", "bob")
    with pytest.raises(Problem, match="/home/bob/mail does not exist, and is in a folder that another user can change"):
        victim.host.directory("home/bob/mail", 0o750, "vmail", "vmail")
    victim.folder("home/bob/mail", "root")
    with pytest.raises(Problem, match="'chown vmail:vmail' it"):
        victim.host.directory("home/bob/mail", 0o750, "vmail", "vmail")
    victim.folder("home/bob/mail", "vmail")
    victim.host.directory("home/bob/mail", 0o750, "vmail", "vmail")
    assert (victim.root / "home/bob/mail").stat().st_mode & 0o7777 == 0o750


@needs_root
@pytest.mark.parametrize("mode", [0o755, 0o2775])
def test_an_admins_links_work(victim: Victim, mode: int) -> None:
    """Also where the group root may write."""
    victim.folder("data/mail", "root")
    victim.folder("data", "root", mode)
    (victim.root / "srv").symlink_to("data")
    (victim.root / "data/now").symlink_to(victim.root / "srv/mail")
    victim.host.directory("srv/now", 0o750, "vmail", "vmail")
    assert (victim.root / "data/mail").stat().st_uid == USERS["vmail"]
    assert victim.host.real("srv/now") == "data/mail"
    assert victim.host.names("srv") == victim.host.names("data")


def test_the_way_never_leaves_a_scratch_folder(tmp_path: Path) -> None:
    host = Host(str(tmp_path / "root"))
    (tmp_path / "secret").write_text("x")
    host.directory("a/b")
    for name, target in (("up", "../../../secret"), ("out", str(tmp_path / "secret")), ("over", "../../../../..")):
        host.point("a/b/" + name, target)
    assert host.text("a/b/up") == host.text("a/b/out") == ""
    assert host.names("a/b/over") == ["a"] == host.names("")
    assert host.real("a/../../a/b/over/a") == "a"


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    host.point("a", "b")
    host.point("b", "a/b")
    assert not host.exists("a/x")
    with pytest.raises(OSError, match="Too many levels"):
        host.text("a")


def test_descriptors_are_closed(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    host.write("a/b/c", FILE)
    host.point("a/link", "b/../b")
    before = os.listdir("/proc/self/fd")
    for path in ("a/b/c", "a/link/c", "a/none/c", "a/b/c/d", "a/b"):
        for action in ("exists", "text", "names", "link", "remove_unfinished"):
            ACTIONS[action](host, path)
    assert os.listdir("/proc/self/fd") == before


@needs_root
def test_what_another_user_keeps_from_being_read_is_a_sentence(tmp_path: Path) -> None:
    """A lease (fcntl(2)), and a file of any size that takes no space."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    large, leased = folder / "large", folder / "leased"
    large.touch()
    os.truncate(large, 50 << 30)
    leased.write_text("x")
    os.chown(folder, 1001, 1001)
    host = Host(str(tmp_path))
    with pytest.raises(Problem, match="/theirs/large is too large"):
        host.text("theirs/large")
    holder = ("import fcntl, os, signal, time; signal.signal(signal.SIGIO, signal.SIG_IGN);"
              f"fcntl.fcntl(os.open('{leased}', os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK);"
              "print('held', flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"held\n"
        with pytest.raises(Problem, match="/theirs/leased cannot be read now: another program has a lease on it"):
            host.text("theirs/leased")
        process.kill()
    assert host.text("theirs/leased") == "x"
