"""One mailbox from layout to layout, also cut off at every step."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from smallmail.folders import moves
from smallmail.folders.moves import FLAT, TREE, Mailbox
from tests.unit.folders import mailboxes

# What changes the disk.
STEPS = ("rename", "mkdir", "unlink", "rmdir", "symlink", "open")


def mailbox(home: Path) -> Mailbox:
    return Mailbox(os.fsencode(home))


def convert(home: Path, layout: str) -> None:
    mailbox(home).convert(layout)
    assert not mailbox(home).is_to_convert(layout)


def cut_off(step: int, work: Callable[[], None]) -> bool:
    """Do the work in a child that is killed before that step. Tells whether it was."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(function: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                nonlocal count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **options)
            return call

        for name in STEPS:
            setattr(os, name, counted(getattr(os, name)))
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_to_the_tree_and_back(tmp_path: Path) -> None:
    home, wanted = mailboxes.flat(tmp_path / "a"), mailboxes.tree(tmp_path / "b")
    assert mailbox(home).is_to_convert(TREE) and not mailbox(home).is_to_convert(FLAT)
    convert(home, TREE)
    assert mailboxes.seen(home) == mailboxes.seen(wanted)
    again = mailboxes.flat(tmp_path / "c")
    for name in ("mail/dovecot.list.index", "mail/dovecot.list.index.log", "sieve/mine.svbin"):
        (again / name).unlink()
    convert(home, FLAT)
    assert mailboxes.seen(home) == mailboxes.seen(again)


def test_cut_off_anywhere_it_goes_on(tmp_path: Path) -> None:
    wanted = mailboxes.seen(mailboxes.tree(tmp_path / "wanted"))
    for step in range(1, 1000):
        home = mailboxes.flat(tmp_path / str(step))
        was_killed = cut_off(step, lambda: mailbox(home).convert(TREE))  # noqa: B023
        if not was_killed:
            break
        if mailbox(home).is_to_convert(TREE):
            convert(home, TREE)
        assert mailboxes.seen(home) == wanted, step
        shutil.rmtree(home)
    assert step > 50


def test_cut_off_anywhere_it_can_be_taken_back(tmp_path: Path) -> None:
    """An apply fails: the configuration is the old one again when Dovecot starts the next time. Then all over again."""
    wanted = mailboxes.seen(mailboxes.tree(tmp_path / "wanted"))
    for step in range(1, 1000):
        home = mailboxes.flat(tmp_path / str(step))
        before = mailboxes.seen(home)
        if not cut_off(step, lambda: mailbox(home).convert(TREE)):  # noqa: B023
            break
        if mailbox(home).is_to_convert(FLAT):
            convert(home, FLAT)
        after = mailboxes.seen(home)
        dropped = {"mail/dovecot.list.index", "mail/dovecot.list.index.log", "sieve/mine.svbin"}
        assert {**before, **after} == before and before.keys() - after.keys() <= dropped, step
        if mailbox(home).is_to_convert(TREE):
            convert(home, TREE)
        assert mailboxes.seen(home) == wanted, step
        shutil.rmtree(home)


def test_the_way_back_cut_off_anywhere_it_goes_on_both_ways(tmp_path: Path) -> None:
    wanted = mailboxes.seen(mailboxes.tree(tmp_path / "wanted"))
    for step in range(1, 1000):
        home = mailboxes.tree(tmp_path / str(step))
        if not cut_off(step, lambda: mailbox(home).convert(FLAT)):  # noqa: B023
            break
        if step % 2:
            convert(home, FLAT)
        convert(home, TREE)
        assert mailboxes.seen(home) == wanted, step
        shutil.rmtree(home)
    assert step > 50


def test_what_maildir_plus_plus_does_not_hold_stays_and_comes_back(tmp_path: Path) -> None:
    home = mailboxes.tree(tmp_path / "a")
    long = "/".join(["long" * 40] * 5)
    mailboxes.folder(home / "mail/mailboxes" / long / "%maildir", "long")
    before = mailboxes.seen(home)
    mailbox(home).convert(FLAT)
    assert (home / "mail/mailboxes" / long / "%maildir/cur").is_dir()
    convert(home, TREE)
    assert mailboxes.seen(home) == before


def test_a_new_mailbox_is_not_converted(tmp_path: Path) -> None:
    home = mailboxes.tree(tmp_path / "a")
    (tmp_path / "b/mail").mkdir(parents=True)
    assert not mailbox(home).is_to_convert(TREE) and not mailbox(tmp_path / "b").is_to_convert(TREE)
    assert not mailbox(tmp_path / "b").is_to_convert(FLAT)


def test_what_is_not_a_folder_stays(tmp_path: Path) -> None:
    home = mailboxes.flat(tmp_path / "a")
    for name in (".DOVECOT-TRASHED/x", ".temp.host.123", "an-admins-note"):
        mailboxes.put(home / "mail" / name, name)
    convert(home, TREE)
    assert sorted(path.name for path in (home / "mail").iterdir()) == sorted(
        [".DOVECOT-TRASHED", ".temp.host.123", "an-admins-note", "mailboxes", "subscriptions", *mailboxes.OF_ALL])


def test_an_old_mailbox_beside_a_new_one_becomes_restored(tmp_path: Path) -> None:
    home, old = mailboxes.tree(tmp_path / "a"), mailboxes.flat(tmp_path / "b")
    shutil.rmtree(home / "mail/mailboxes/Dr")
    before = mailboxes.seen(home)
    shutil.copytree(old / "mail", home / "mail", dirs_exist_ok=True)    # `tar x` of a backup
    mailboxes.put(home / "mail/subscriptions", mailboxes.TREE_LIST)
    convert(home, TREE)
    places = home / "mail/mailboxes"
    assert (places / "Restored/INBOX/%maildir/cur/1.M1P2.host,S=100,W=102:2,FSa").read_text() == "a message in INBOX"
    assert (places / "Restored/Work/2024/Q1/%maildir/cur").is_dir()
    assert (places / "Dr/ Jones/%maildir/cur").is_dir() and not (places / "Restored/Dr").exists()
    after = mailboxes.seen(home)
    assert {name: after[name] for name in before if name != "mail/subscriptions"} == {
        name: content for name, content in before.items() if name != "mail/subscriptions"}
    listed = after["mail/subscriptions"].decode().split("\n")
    assert "Restored\tINBOX" in listed and "Restored\tWork\t2024\tQ1" in listed and "Dr\t Jones" in listed
    shutil.copytree(old / "mail/.Work", home / "mail/.Work")
    convert(home, TREE)
    assert (places / "Restored 2/Work/%maildir/cur").is_dir()


def test_an_admins_link_goes_on_leading_there(tmp_path: Path) -> None:
    home = mailboxes.flat(tmp_path / "a")
    mailboxes.folder(tmp_path / "shared", "shared")
    (home / "mail/.Shared").symlink_to("../../shared")
    convert(home, TREE)
    moved = home / "mail/mailboxes/Shared/%maildir"
    assert moved.is_symlink() and (moved / "cur/1.M1P2.host,S=100,W=102:2,FSa").read_text() == "a message in shared"


def test_scripts_of_others_are_not_followed(tmp_path: Path) -> None:
    home = mailboxes.flat(tmp_path / "a")
    mailboxes.put(tmp_path / "elsewhere.sieve", mailboxes.SCRIPT)
    (home / "sieve/link.sieve").symlink_to(tmp_path / "elsewhere.sieve")
    convert(home, TREE)
    assert (tmp_path / "elsewhere.sieve").read_text() == mailboxes.SCRIPT
    assert (home / "sieve/mine.sieve").read_text() == mailboxes.SCRIPT.replace(".Debian", "/Debian")


def test_a_folder_that_cannot_be_moved_keeps_the_mailbox_unfinished(tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    home, rename = mailboxes.flat(tmp_path / "a"), os.rename

    def refuse(old: bytes, new: bytes) -> None:
        if old.endswith(b"/.Work"):
            raise PermissionError(errno.EACCES, "Permission denied", old)
        rename(old, new)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(moves.Left, match=r"Permission denied: b'.*/mail/\.Work'"):
        mailbox(home).convert(TREE)
    assert mailbox(home).is_unfinished() and (home / "mail/.Work/cur").is_dir()
    assert (home / "mail/mailboxes/Dr/ Jones/%maildir").is_dir()
    assert not (home / "mail/mailboxes/INBOX/%maildir").exists()
    monkeypatch.undo()
    convert(home, TREE)
    assert mailboxes.seen(home) == mailboxes.seen(mailboxes.tree(tmp_path / "b"))
