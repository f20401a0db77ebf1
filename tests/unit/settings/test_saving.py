"""Where backups go, and which are kept."""

from __future__ import annotations

import pytest

from smallmail.settings import saving


@pytest.mark.parametrize("text", ["local", "off", "environment", "/mnt/disk/backup", "sftp:me@nas.example.org:/x",
                                  "s3:https://s3.example.org/bucket", "rest:https://example.org:8000/x", "b2:bucket:x"])
def test_a_place_for_backups(text: str) -> None:
    assert saving.repository(f" {text} ") == text


@pytest.mark.parametrize("text", ["locl", "nas:/x", "sftp:a b", "backup", "../x", "ftp://x"])
def test_no_place_for_backups(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        saving.repository(text)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="contains a password") as error:
        saving.repository("rest:https://me:secret@example.org/")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(("text", "kept"), [("7d 5w 12m", "7d 5w 12m"), ("7d,3y", "7d 3y"), ("all", "all")])
def test_what_is_kept(text: str, kept: str) -> None:
    assert saving.keep(text) == kept


@pytest.mark.parametrize("text", ["7", "0d", "7d 8d", "7 days", "all 7d", "-1d"])
def test_what_cannot_be_kept(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        saving.keep(text)


def test_the_options_of_restic() -> None:
    assert [saving.keep_options(word) for word in "7d 5w 12m 3y".split()] == [
        "--keep-daily=7", "--keep-weekly=5", "--keep-monthly=12", "--keep-yearly=3"]
