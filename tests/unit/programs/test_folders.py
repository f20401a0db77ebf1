"""What systemd runs before Dovecot starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from smallmail.errors import Problem
from smallmail.folders import convert, in_force
from smallmail.folders.moves import TREE
from smallmail.machine import letters, state, state_files
from smallmail.machine.host import Host
from smallmail.programs import folders

SCRIPT = Path(__file__).parents[3] / "libexec/before-dovecot"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(str(tmp_path))
    state_files.write(made, state.RECORD, "{}")
    state_files.write(made, state.MAIL_DIRECTORY, "/srv/mail\n")
    monkeypatch.setattr(in_force, "ask", lambda _: in_force.InForce(TREE, True))
    return made


def test_root_is_told_once_of_each_mailbox_that_stays(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    told, failing = [], ["one failed"]
    monkeypatch.setattr(letters, "mail", lambda _, __, text: told.append(text))
    monkeypatch.setattr(convert, "to_layout", lambda *_: list(failing))
    assert folders.folders(host, []) == folders.folders(host, []) == 0
    failing.append("another failed")
    folders.folders(host, [])
    assert told == ["one failed", "another failed"]
    failing.clear()
    folders.folders(host, [])
    assert state_files.load_json(host, state.UNCONVERTED, ["?"]) == []


def test_what_was_cut_off_keeps_dovecot_down(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: object) -> list[str]:
        raise Problem("cut off")

    monkeypatch.setattr(convert, "to_layout", cut_off)
    assert folders.folders(host, []) == 75


def test_nothing_happens_where_smallmail_is_not_in_charge(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "to_layout", lambda *_: pytest.fail("converted"))
    host.remove(state.RECORD)
    assert folders.folders(host, []) == 0


def test_nothing_happens_to_an_admins_own_layout(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "to_layout", lambda *_: pytest.fail("converted"))
    monkeypatch.setattr(in_force, "ask", lambda _: in_force.InForce("", True))
    assert folders.folders(host, []) == 0


@pytest.mark.parametrize(("ends", "code"), [
    ("exit 0", 0), ("exit 1", 0), ("exit 126", 0), ("exit 127", 0), ("exit 75", 75), ("kill -9 $$", 75),
    ("kill -15 $$", 75), ("exit 255", 75)])
def test_dovecot_does_not_start_after_a_conversion_that_was_cut_off(ends: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "run").write_text(f"#!/bin/sh\n{ends}\n")
    (tmp_path / "run").chmod(0o755)
    script = tmp_path / "before-dovecot"
    script.write_text(SCRIPT.read_text().replace("/usr/lib/smallmail/", f"{tmp_path}/"))
    assert subprocess.run(["sh", script], check=False).returncode == code
    assert os.access(SCRIPT, os.X_OK)
