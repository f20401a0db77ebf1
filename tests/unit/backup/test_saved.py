"""All that a machine knows is saved, or is named as left out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from smallmail.backup import saved
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from tests.support.folders import NAMES

SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"})
BOX = "srv/mail/example.org/alice/mail"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with all state that the table names."""
    made = Host(str(tmp_path))
    for folder in [*state.FOLDERS, "etc/smallmail", "etc/letsencrypt", BOX]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for path in [*state.FILES, state.LIMITS_MEMORY]:
        (tmp_path / path).write_text("x")
    return made


def is_saved(host: Host, path: str) -> bool:
    """Whether restic saves it: patterns as filepath.Match has them, with ** for any number of folders."""
    whole = host.path(path)
    if not any(f"{whole}/".startswith(f"{top}/") for top in saved.paths(host, SETTINGS)):
        return False
    for pattern in saved.left_out(host, SETTINGS):
        expression = re.escape(pattern).replace(r"/\*\*/", "/(?:.*/)?").replace(r"\*", "[^/]*")
        parts = whole.split("/")
        if any(re.fullmatch(expression, "/".join(parts[:number])) for number in range(1, len(parts) + 1)):
            return False
    return True


@pytest.mark.parametrize("path", [*state.FILES, *state.FOLDERS])
def test_each_thing_of_the_table_is_saved_or_named_as_left_out(host: Host, path: str) -> None:
    kept = is_saved(host, path) or path in saved.COPIED
    left_out = any(f"{path}/".startswith(f"{other}/") for other in state.LEFT_OUT)
    assert kept != left_out, "state.py: a line in LEFT_OUT, if it is true of one machine only or is made anew"


@pytest.mark.parametrize("path", [
    state.REDIS + "/appendonly.aof", state.TLS + "/1/cert.pem", state.BANS_LIST, state.DKIM_FOLDER + "/example.org.key",
    state.HISTORY + "/000001.json", state.LEARNING + "/1-2.spam", "etc/smallmail/rfc2136.ini", "etc/letsencrypt/live/x",
    state.FOLDER + "/what-comes-later", state.SAVING + "/accounts.db",
    BOX + "/mailboxes/INBOX/%maildir/cur/1:2,S", BOX + "/mailboxes/INBOX/%maildir/dovecot-uidlist",
    BOX + "/mailboxes/INBOX/%maildir/dovecot-keywords", BOX + "/subscriptions", BOX + "/../.sieve",
    BOX + "/dovecot-uidvalidity"])  # fmt: skip
def test_it_is_saved(host: Host, path: str) -> None:
    assert is_saved(host, os.path.normpath(path))


@pytest.mark.parametrize("path", [
    BOX + "/mailboxes/INBOX/%maildir/dovecot.index", BOX + "/mailboxes/a/b/%maildir/dovecot.index.log.2",
    BOX + "/dovecot.list.index.log", state.ACCOUNTS, state.PASSWORDS + "-journal", state.LIMITS_MEMORY + "-wal",
    state.LOCK, "etc/postfix/main.cf", "var/backups/smallmail/config"])  # fmt: skip
def test_it_is_not_saved(host: Host, path: str) -> None:
    assert not is_saved(host, path)


def test_no_folder_of_a_user_is_taken_for_an_index(host: Host) -> None:
    for name in [name for name in NAMES if not {".", ".."} & set(name.split("/"))]:
        assert is_saved(host, f"{BOX}/mailboxes/{name}/%maildir/cur/1")


def test_state_in_another_place_is_saved_too(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(state.FOLDERS, "var/lib/elsewhere", state.FOLDERS[state.FOLDER])
    Path(host.path("var/lib/elsewhere")).mkdir()
    assert is_saved(host, "var/lib/elsewhere/x")


def test_a_mail_directory_that_is_a_link_is_entered(host: Host) -> None:
    os.rename(host.path("srv/mail"), host.path("srv/disk"))
    os.symlink("disk", host.path("srv/mail"))
    assert saved.mail(host, SETTINGS) == host.path("srv/disk")
