"""Folders on the way that are closed to those who need what is below, as real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail.check.groups import reach as groups_reach
from smallmail.configuration import in_force, prepare, record
from smallmail.machine import reach, state, state_files
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.machine.state import Permissions
from smallmail.settings.fields import Settings

OWN = Permissions(0o644, "root", "root")
SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"})
MAP = "etc/postfix/smallmail/transports"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path))
    made.write(MAP, File(b"", 0o644, "root", "root"))
    entries = {**record.empty().entries, "files": {MAP: record.Entry(None, None)}}
    state_files.write(made, state.RECORD, record.dumps(record.empty()._replace(entries=entries)))
    return made


@pytest.mark.parametrize("folder", ["etc", "etc/postfix", "etc/postfix/smallmail"])
@pytest.mark.parametrize("mode", [0o700, 0o750])
def test_a_closed_folder_on_the_way_is_found_once(host: Host, folder: str, mode: int) -> None:
    os.chmod(host.path(folder), mode)
    (found,) = in_force.closed(host)
    assert found == (folder, mode, mode | 0o001, MAP)
    (finding,) = groups_reach.findings(host, SETTINGS)
    assert finding.commands == [f"chmod {mode | 1:o} /{folder}"] and f"/{folder} " in reach.sentence(found)
    os.chmod(host.path(folder), found.needed)
    assert in_force.closed(host) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_a_folder_that_the_admin_gave_to_a_group_is_open_to_it(host: Host) -> None:
    os.chown(host.path("etc/postfix"), 0, 8)
    os.chmod(host.path("etc/postfix"), 0o750)
    assert in_force.closed(host) == []


def test_state_that_a_daemon_cannot_read_is_found(host: Host) -> None:
    state_files.write(host, state.ACCOUNTS, "")
    os.chmod(host.path(state.ACCOUNTS), 0o600)
    assert [each.path for each in in_force.closed(host)] == [state.ACCOUNTS]
    os.chmod(host.path(state.ACCOUNTS), 0o640)
    os.chmod(host.path(state.FOLDER), 0o700)
    assert [(each.path, each.needed) for each in in_force.closed(host)] == [(state.FOLDER, 0o755)]


def test_the_mail_directory_is_reached_by_its_owner(host: Host) -> None:
    host.directory("home/mail", 0o750)
    state_files.write(host, state.MAIL_DIRECTORY, "/home/mail\n")
    assert in_force.closed(host) == []
    os.chmod(host.path("home"), 0o700)
    assert [each.path for each in in_force.closed(host)] == ["home"]


def test_an_apply_opens_the_folder_that_a_umask_closed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chmod(host.path("etc/postfix/smallmail"), 0o700)
    monkeypatch.setattr(host, "_owns", False)
    list(prepare._folders(host, SETTINGS))
    assert in_force.closed(host) == []
