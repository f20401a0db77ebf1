"""All mailboxes, as the user who owns them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.errors import Problem
from smallmail.folders import convert
from smallmail.folders.moves import FLAT, TREE, Mailbox
from tests.unit.folders import mailboxes

OWNER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def own(folder: Path) -> None:
    entry = pwd.getpwnam(OWNER)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A mail directory with three mailboxes of 0.3.0, which OWNER can reach."""
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o711)
    mail = tmp_path / "mail"
    for home in ("example.org/alice", "example.org/bob", "example.net/carol"):
        mailboxes.flat(mail / home)
    own(mail)
    yield mail
    for path in mail.rglob("mail"):
        path.chmod(0o700)


def to(directory: Path, layout: str) -> list[str]:
    return convert.to_layout(str(directory), layout, owner=OWNER)


def test_all_are_converted_and_back(directory: Path, tmp_path: Path) -> None:
    wanted = mailboxes.seen(mailboxes.tree(tmp_path / "wanted"))
    assert to(directory, TREE) == to(directory, TREE) == []
    assert [mailboxes.seen(Path(os.fsdecode(home))) == wanted for home in convert.homes(os.fsencode(directory))] == [
        True] * 3
    assert to(directory, FLAT) == []
    assert (directory / "example.org/bob/mail/.Work/cur").is_dir()


def test_a_restored_mailbox_is_converted_at_the_next_start(directory: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(directory / "example.org/bob", backup, symlinks=True)
    to(directory, TREE)
    shutil.rmtree(directory / "example.org/bob")
    shutil.copytree(backup, directory / "example.org/bob", symlinks=True)
    own(directory)
    assert to(directory, TREE) == []
    assert mailboxes.seen(directory / "example.org/bob") == mailboxes.seen(mailboxes.tree(tmp_path / "wanted"))


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to root")
def test_a_mailbox_that_cannot_be_converted_is_closed_until_it_can(directory: Path, tmp_path: Path) -> None:
    bob = directory / "example.org/bob"
    for path in [bob / "mail/.Work", *(bob / "mail/.Work").rglob("*")]:
        os.chown(path, 0, 0)
    sentences = to(directory, TREE)
    assert sentences == [
        f"the folders of {bob} could not be converted ({bob}/mail/.Work: Permission denied); nobody can open this"
        " mailbox now, and mail for it waits; put that right, then type 'systemctl restart dovecot'"]
    assert (bob / "mail").stat().st_mode & 0o777 == 0
    assert not Mailbox(os.fsencode(directory / "example.org/alice")).is_to_convert(TREE)
    assert to(directory, TREE) == sentences, "it is tried again at each start"
    own(bob)
    assert to(directory, TREE) == []
    assert mailboxes.seen(bob) == mailboxes.seen(mailboxes.tree(tmp_path / "wanted"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to lose")
def test_a_link_of_the_owner_does_not_lead_root_away(directory: Path, tmp_path: Path) -> None:
    roots = tmp_path / "roots"
    mailboxes.flat(roots)
    before = mailboxes.seen(roots)
    (directory / "example.org/mallory").symlink_to(roots)
    assert len(to(directory, TREE)) == 1
    assert mailboxes.seen(roots) == before


def test_what_is_cut_off_is_a_problem(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mailbox, "convert", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(Problem, match="the work of user .* was cut off"):
        to(directory, TREE)
