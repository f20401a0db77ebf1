"""A backup that failed, did not end, is too old or does not exist is told; one that is fresh is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smallmail.backup import result, take
from smallmail.errors import Problem
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

NOW = 1_800_000_000
DAY = 86400
GOOD = result.Result(NOW - DAY, 60, "/var/backups/smallmail", 10, 1000, 10, NOW, "", NOW - DAY, "")


def told(repository: str = "local", *, is_installed: bool = True, timer: str = "active", service: str = "inactive",
         **changed: Any) -> list[str]:
    last, units = GOOD._replace(**changed), {"smallmail-backup.timer": timer, "smallmail-backup.service": service}
    return [finding.what for finding in result.judged(last, repository, is_installed, units, NOW)]


def test_a_fresh_backup_is_no_finding() -> None:
    assert told() == []
    assert told(begun=NOW - 60) == [], "one runs"
    assert told(when=0, begun=0) == [], "just installed"


@pytest.mark.parametrize(("changed", "what"), [
    ({"error": "the disk is full"}, "the last backup failed"),
    ({"when": 0, "error": "the disk is full"}, "the last backup failed"),
    ({"begun": NOW - 2 * DAY, "when": NOW - 3 * DAY}, "the last backup did not end"),
    ({"when": NOW - 3 * DAY, "begun": NOW - 3 * DAY}, "the last backup is too old"),
    ({"note": "old backups were not deleted: x"}, "the last backup: old backups were not deleted: x"),
])
def test_what_is_wrong_is_told(changed: dict[str, Any], what: str) -> None:
    assert told(**changed) == [what]
    assert told("off", **changed) == [], "backups are the admin's own affair"


def test_no_program_and_no_timer_are_told() -> None:
    assert told(is_installed=False) == ["there are no backups: the package restic is not installed"]
    assert told(service="failed") == ["smallmail-backup.service has failed"]
    assert told(timer="inactive") == ["smallmail-backup.timer does not run"]


def test_a_failure_is_remembered_and_forgotten_after_the_next_success(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    state_files.make_folder(host, state.FOLDER)
    result.succeed(host, GOOD)
    result.begin(host, NOW)
    result.fail(host, "no route")
    assert result.load(host) == GOOD._replace(begun=NOW, error="no route")
    result.begin(host, NOW)
    assert result.load(host).error == ""


def test_without_restic_the_package_is_named(tmp_path: Path) -> None:
    texts = {"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"}
    with pytest.raises(Problem, match="type 'apt install restic'"):
        take.take(Host(str(tmp_path)), Settings(texts), lambda _: None)
    with pytest.raises(Problem, match="switched off"):
        take.take(Host(str(tmp_path)), Settings({**texts, "backup-repository": "off"}), lambda _: None)
