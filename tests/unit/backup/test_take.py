"""A backup with restic itself: what is in it, and what happens to letters that move meanwhile."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from smallmail.accounts import database
from smallmail.backup import copies, restic, result, saved, settled, take
from smallmail.errors import Problem
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"})
BOX = "srv/mail/example.org/alice/mail/mailboxes"
needs_restic = pytest.mark.skipif(not shutil.which("restic"), reason="restic is not installed")


def letter(host: Host, folder: str, name: str) -> Path:
    path = Path(host.path(f"{BOX}/{folder}/%maildir/{name}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"letter {name}")
    return path


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    made = Host(str(tmp_path))
    if program := shutil.which("restic"):
        (tmp_path / "usr/bin").mkdir(parents=True)
        shutil.copy2(program, tmp_path / "usr/bin/restic")
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / "etc/smallmail/smallmail.conf").write_text("hostname = mx.example.org\n")
    with database.open_accounts(made) as accounts:
        accounts.add_domain("example.org", "alice@example.org")
        accounts.add_mailbox("alice@example.org", "{SHA512-CRYPT}$6$x")
    letter(made, "INBOX", "cur/1:2,S")
    letter(made, "INBOX", "new/2")
    letter(made, "INBOX", "dovecot.index.log")
    return made


def taken(host: Host) -> result.Result:
    return take.take(host, SETTINGS, lambda _: None)


def restored(host: Host, folder: Path) -> Path:
    restic.run(host, ["restore", "latest", "--target", str(folder)])
    return Path(f"{folder}/{host.root}")


@needs_restic
def test_what_is_saved_comes_back(host: Host, tmp_path: Path) -> None:
    done = taken(host)
    assert done.error == "" and result.load(host) == done and done.repository == "/var/backups/smallmail"
    tree = restored(host, tmp_path / "back")
    assert (tree / BOX / "INBOX/%maildir/cur/1:2,S").read_text() == "letter cur/1:2,S"
    assert not (tree / BOX / "INBOX/%maildir/dovecot.index.log").exists()
    assert not (tree / state.ACCOUNTS).exists()
    copies.put_back(Host(str(tree)))
    with database.open_accounts(Host(str(tree))) as accounts:
        assert [box.address for box in accounts.mailboxes()] == ["alice@example.org"]
    assert os.listdir(host.path(state.SAVING)) == []


@needs_restic
def test_where_nothing_moves_restic_runs_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    real, runs = take._run, []
    monkeypatch.setattr(take, "_run", lambda *given: runs.append(given) or real(*given))
    taken(host)
    assert len(runs) == 1


@needs_restic
def test_the_second_saves_only_what_is_new(host: Host) -> None:
    first = taken(host)
    second = taken(host)
    assert second.files == first.files and second.size >= first.size and second.added < 20_000
    assert len(restic.loaded(host, ["snapshots"])) == 1, "one for a day"


@needs_restic
def test_a_letter_that_moves_while_it_is_saved_is_not_lost(host: Host, monkeypatch: pytest.MonkeyPatch,
                                                           tmp_path: Path) -> None:
    """It is moved out of the folder that is read last into the one that was read before, after a first run."""
    moves: list[Callable[[], object]] = [
        lambda: os.rename(letter(host, "Work", "cur/3:2,"), letter(host, "Archive", "cur/4:2,")),
        lambda: os.rename(host.path(f"{BOX}/INBOX/%maildir/new/2"), host.path(f"{BOX}/INBOX/%maildir/cur/2:2,S"))]
    real, runs = take._run, []

    def run(*given: object) -> take.Snapshot:
        made = real(*given)     # type: ignore[arg-type]
        runs.append(made)
        if moves:
            moves.pop(0)()
        return made

    letter(host, "Work", "cur/3:2,")
    monkeypatch.setattr(take, "_run", run)
    taken(host)
    assert len(runs) >= 2 and len(restic.loaded(host, ["snapshots"])) == 1
    tree = restored(host, tmp_path / "back")
    assert (tree / BOX / "Archive/%maildir/cur/4:2,").exists()


@needs_restic
def test_a_repository_whose_disk_is_away_is_not_made_anew(host: Host) -> None:
    taken(host)
    os.rename(host.path("var/backups/smallmail"), host.path("var/away"))
    with pytest.raises(Problem, match="the repository /var/backups/smallmail has gone: mount its disk"):
        taken(host)
    assert not Path(host.path("var/backups/smallmail")).exists() and "has gone" in result.load(host).error
    assert take.take(host, SETTINGS, lambda _: None, is_anew=True).error == ""


@needs_restic
def test_another_password_is_one_sentence(host: Host) -> None:
    taken(host)
    Path(host.path(restic.PASSWORD)).write_text("another\n")
    with pytest.raises(Problem, match="has another password than /etc/smallmail/backup-password"):
        taken(host)


def test_mail_that_is_not_mounted_is_not_saved_as_none(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restic, "is_installed", lambda _: True)
    state_files.write(host, state.MAIL_VOLUME, '{"directory": "/srv/mail", "is_apart": true}')
    os.rename(host.path("srv/mail"), host.path("srv/away"))
    host.directory("srv/mail")
    with pytest.raises(Problem, match="does not contain the mail that was there"):
        taken(host)


def test_a_disk_is_not_filled(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take, "_FREE", 1.0)
    with pytest.raises(Problem, match="has not enough room"):
        take._must_have_room(host, SETTINGS)


def test_a_letter_is_the_same_after_its_flags_have_changed() -> None:
    assert settled.letter("a/INBOX/%maildir/new/1.x") == settled.letter("a/INBOX/%maildir/cur/1.x:2,FS")
    assert settled.letter("a/INBOX/%maildir/cur/1.x") != settled.letter("a/Work/%maildir/cur/1.x")


def test_databases_are_copied_while_nobody_can_write(host: Host) -> None:
    writer = sqlite3.connect(host.path(state.ACCOUNTS), timeout=0.1, isolation_level=None)
    copies.make(host)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("ROLLBACK")
    assert host.file(f"{state.SAVING}/accounts.db").content == host.file(state.ACCOUNTS).content    # type: ignore[union-attr]
    copies.forget(host)
    assert host.names(state.SAVING) == []


def test_while_a_backup_runs_there_is_no_second_one(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restic, "is_installed", lambda _: True)
    state_files.make_folder(host, state.LOCKS)
    with host.lock(0, state.BACKUP_LOCK), pytest.raises(Problem, match="another backup is being made"):
        taken(host)
    assert result.load(host).begun == 0


def test_what_is_saved_is_explained(host: Host) -> None:
    words = saved.explained(host, SETTINGS)
    assert words[host.path("srv/mail")] == "mail, Sieve scripts" and "state" not in words.values()
