"""Letters come back from a backup into a folder of their own; what the mailbox's owner could not read does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from smallmail.backup import mailbox, restic, snapshots, take
from smallmail.backup.mailbox import Wanted
from smallmail.errors import Problem
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from tests.unit.attackers import needs_root
from tests.unit.backup.test_take import BOX, SETTINGS, letter, needs_restic

pytestmark = [needs_restic, needs_root]
OWNER = 61002


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with a backup of a mailbox, which is empty by now."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(mailbox, "_OWNER", "root")  # vmail, who does not exist here
    made = Host(str(tmp_path))
    (tmp_path / "usr/bin").mkdir(parents=True)
    shutil.copy2(str(shutil.which("restic")), tmp_path / "usr/bin/restic")
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    made.directory(state.FOLDER)
    state_files.write(made, state.MAIL_DIRECTORY, "/srv/mail\n")
    letter(made, "INBOX", "cur/1:2,S").write_text("Subject: =?utf-8?q?Die_Rechnung_f=C3=BCr_M=C3=A4rz?=\n\nx\n")
    letter(made, "INBOX", "new/2").write_text("Subject: hello\n\nx\n")
    letter(made, "Entw&APw-rfe/a[1]", "cur/3:2,").write_text("Subject: draft\n\nx\n")
    letter(made, "INBOX", "dovecot-uidlist")
    os.utime(made.path(f"{BOX}/INBOX/%maildir/new/2"), (1e9, 1e9))
    for folder, _, files in os.walk(made.path("srv/mail")):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            os.chown(path, OWNER, OWNER)
    secret = letter(made, "INBOX", "cur/4:2,")      # as if a folder was exchanged while restic read it
    secret.write_text("Subject: root's own\n\nx\n")
    secret.chmod(0o600)
    take.take(made, SETTINGS, lambda _: None)
    shutil.rmtree(made.path(BOX))
    (tmp_path / BOX).mkdir()
    return made


def restored(host: Host, folder: str = "", subject: str = "") -> list[str]:
    restic.use(host, SETTINGS)
    snapshot = snapshots.load(host)[-1]
    count = mailbox.restore(host, snapshot, host.path("srv/mail"), "alice@example.org", Wanted(folder, subject))
    found = sorted(str(path.relative_to(host.path(BOX))) for path in Path(host.path(BOX)).rglob("*") if path.is_file())
    assert count == len(found)
    assert host.names(state.MACHINE) == []
    return found


def test_all_letters_of_the_owner(host: Host) -> None:
    assert restored(host) == ["Restored/Entw&APw-rfe/a[1]/%maildir/cur/3:2,", "Restored/INBOX/%maildir/cur/1:2,S",
                              "Restored/INBOX/%maildir/new/2"]
    assert os.stat(host.path(f"{BOX}/Restored/INBOX/%maildir/new/2")).st_mtime == 1e9, "the date that Dovecot shows"
    assert len(restored(host)) == 3, "twice is once"


def test_one_folder(host: Host) -> None:
    assert restored(host, "Entwürfe/a[1]") == ["Restored/Entw&APw-rfe/a[1]/%maildir/cur/3:2,"]


def test_one_letter(host: Host) -> None:
    assert restored(host, "", "rechnung für") == ["Restored/INBOX/%maildir/cur/1:2,S"]


def test_a_folder_that_the_backup_has_not(host: Host) -> None:
    with pytest.raises(Problem, match="has no such mailbox or folder"):
        restored(host, "Nix")
