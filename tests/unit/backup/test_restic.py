"""Secrets reach restic by files that only root reads, and what is not one of its variables is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail.backup import restic
from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

TEXTS = {"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    return Host(str(tmp_path))


def write(host: Host, text: str, mode: int = 0o600) -> None:
    Path(host.path(restic.ENVIRONMENT)).write_text(text)
    Path(host.path(restic.ENVIRONMENT)).chmod(mode)


def with_repository(where: str) -> Settings:
    return Settings({**TEXTS, "backup-repository": where})


def test_the_password_is_made_once_and_is_roots_alone(host: Host) -> None:
    restic._set_environment(host, with_repository("local"))
    first = host.file(restic.PASSWORD)
    restic._set_environment(host, with_repository("local"))
    assert first and host.file(restic.PASSWORD) == first and first.mode == 0o600 and len(first.content) == 49
    assert os.environ["RESTIC_REPOSITORY"] == host.path("var/backups/smallmail")
    assert os.environ["RESTIC_PASSWORD_FILE"] == host.path(restic.PASSWORD)


def test_what_a_far_repository_needs_is_in_the_admins_file(host: Host) -> None:
    write(host, "# keys\nAWS_ACCESS_KEY_ID=x\nAWS_SECRET_ACCESS_KEY='y='\n\n")
    restic._set_environment(host, with_repository("s3:https://s3.example.org/bucket"))
    assert os.environ["RESTIC_REPOSITORY"] == "s3:https://s3.example.org/bucket"
    assert (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]) == ("x", "y=")


@pytest.mark.parametrize(("text", "mode", "sentence"), [
    ("AWS_ACCESS_KEY_ID=x\n", 0o640, "others than root can read /etc/smallmail/backup.env"),
    ("LD_PRELOAD=x\n", 0o600, "'LD_PRELOAD' is not a variable of restic's"),
    ("AWS_ACCESS_KEY_ID\n", 0o600, "is not a variable of restic's"),
    ("", 0o600, "has no line RESTIC_REPOSITORY=…"),
])
def test_a_mistake_there_is_one_sentence(host: Host, text: str, mode: int, sentence: str) -> None:
    write(host, text, mode)
    with pytest.raises(Problem, match=sentence):
        restic._set_environment(host, with_repository("environment"))


def test_an_address_with_a_password_is_in_that_file(host: Host) -> None:
    write(host, "RESTIC_REPOSITORY=rest:https://me:secret@example.org/\n")
    restic._set_environment(host, with_repository("environment"))
    assert os.environ["RESTIC_REPOSITORY"] == "rest:https://me:secret@example.org/"
    assert restic.where(with_repository("environment")) == "environment"


def test_without_its_password_a_repository_cannot_be_read(host: Host) -> None:
    with pytest.raises(Problem, match="write the password of the repository into it"):
        restic.use(host, with_repository("local"))
