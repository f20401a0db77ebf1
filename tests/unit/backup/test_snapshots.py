"""Which backup is meant by a time."""

from __future__ import annotations

import calendar

import pytest

from smallmail.backup import mailbox, snapshots
from smallmail.backup.snapshots import Made
from smallmail.errors import Problem, WrongUsage

NOW = calendar.timegm((2026, 11, 27, 5, 0, 0))     # a Friday


def at(text: str) -> int:
    return calendar.timegm(tuple(int(part) for part in text.replace("-", " ").replace(":", " ").split()) + (0,))


def made(text: str, host: str = "mx.example.org") -> Made:
    return Made(text, float(at(text)), host, ["/etc/smallmail", "/srv/mail"])


DAYS = [made(f"2026-11-{day} 02:31") for day in range(20, 28)]


@pytest.mark.parametrize(("text", "number"), [
    ("", "2026-11-27 02:31"), ("tuesday", "2026-11-24 02:31"), ("Friday", "2026-11-20 02:31"),
    ("2026-11-25", "2026-11-25 02:31"), ("2026-11-25 02:30", "2026-11-24 02:31"), ("2d", "2026-11-25 02:31"),
    ("2026-11-25 02:31", "2026-11-25 02:31"), ("0d", "2026-11-27 02:31")])
def test_the_last_one_made_by_then_is_chosen(text: str, number: str) -> None:
    assert snapshots.chosen(DAYS, text, "", NOW).number == number


@pytest.mark.parametrize("text", ["yesterday", "25.11.2026", "2026-13-01", "-3d", "last tuesday"])
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="is not a time"):
        snapshots.chosen(DAYS, text, "", NOW)


def test_no_backup_and_several_hosts_are_said() -> None:
    with pytest.raises(Problem, match="there is no backup made by 2026-11-01 23:59 UTC"):
        snapshots.chosen(DAYS, "2026-11-01", "", NOW)
    with pytest.raises(WrongUsage, match="of a.example.org and mx.example.org: choose one with --host"):
        snapshots.chosen([*DAYS, made("2026-11-27 03:00", "a.example.org")], "", "", NOW)
    both = [*DAYS, made("2026-11-27 03:00", "a.example.org")]
    assert snapshots.chosen(both, "", "mx.example.org", NOW).number == "2026-11-27 02:31"


@pytest.mark.parametrize(("told", "when"), [
    ("2026-11-27T05:04:46.384110141Z", "2026-11-27 05:04"), ("2026-11-27T05:04:46.384110141+01:00", "2026-11-27 04:04"),
    ("2026-11-27T05:04:46-08:00", "2026-11-27 13:04")])
def test_times_of_restic_are_in_any_zone(told: str, when: str) -> None:
    found = snapshots._made({"time": told, "short_id": "x", "hostname": "h", "paths": []})
    assert found.when == at(when) + 46


@pytest.mark.parametrize(("folder", "path"), [
    ("INBOX", "INBOX"), ("Work/2026", "Work/2026"), ("Dr. Jones", "Dr. Jones"), ("~tilde", "%7etilde"),
    ("100%", "100%25"), ("a&b", "a&-b"), ("Entwürfe", "Entw&APw-rfe"), ("日本語", "&ZeVnLIqe-"), ("..", "%2e.")])
def test_folders_are_found_by_their_names_on_the_disk(folder: str, path: str) -> None:
    assert mailbox.encoded(folder) == path
