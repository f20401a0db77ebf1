"""The first mailbox: where its password comes from, and which mail follows it to another address."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.accounts import database, first_mailbox, passwords
from smallmail.accounts.database import Alias
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from tests.unit.settings.test_fields import GOOD

ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host without Dovecot, which would make the hashes."""
    (tmp_path / state.FOLDER).mkdir(parents=True)
    monkeypatch.setattr(passwords, "hashed", lambda _, password: "{X}" + password)
    return Host(str(tmp_path))


def prepared(host: Host, **changes: str) -> list[str]:
    return list(first_mailbox.prepare(host, Settings(dict(GOOD, **changes))))


def accounts(host: Host) -> tuple[list[str], list[str], list[Alias]]:
    with database.open_accounts(host) as opened:
        return opened.domains(), [mailbox.address for mailbox in opened.mailboxes()], opened.aliases()


def credential(host: Host, address: str) -> str:
    with database.open_accounts(host) as opened:
        query = "SELECT hash FROM credential WHERE address = ?"
        return str(opened._db.execute(query, (address,)).fetchone()[0])


def test_without_an_answer_a_password_is_generated_and_kept_for_root(host: Host) -> None:
    assert prepared(host) == [
        f"The password of {ALICE} was generated: read it in /var/lib/smallmail/first-password and remove that file."]
    kept = host.file(state.FIRST_PASSWORD)
    assert kept and kept.mode == 0o600
    assert credential(host, ALICE) == "{X}" + kept.content.decode().strip()
    domains, mailboxes, aliases = accounts(host)
    assert (domains, mailboxes) == (["example.org"], [ALICE])
    assert {alias.destination for alias in aliases} == {ALICE}


def test_the_answered_password_is_used_once(host: Host) -> None:
    first_mailbox.keep_hash(host, "{X}answered")
    kept = host.file(state.FIRST_HASH)
    assert kept and kept.mode == 0o600
    assert prepared(host) == []
    assert credential(host, ALICE) == "{X}answered"
    assert not host.exists(state.FIRST_HASH) and not host.exists(state.FIRST_PASSWORD)


def test_a_new_answer_changes_the_password_of_the_mailbox_that_exists(host: Host) -> None:
    prepared(host)
    first_mailbox.keep_hash(host, "{X}another")
    assert prepared(host) == []
    assert credential(host, ALICE) == "{X}another"


def test_it_may_be_repeated(host: Host) -> None:
    prepared(host)
    before, hashed = accounts(host), credential(host, ALICE)
    assert prepared(host) == []
    assert (accounts(host), credential(host, ALICE)) == (before, hashed)


def test_the_roles_follow_another_first_mailbox_in_all_domains(host: Host) -> None:
    prepared(host)
    with database.open_accounts(host) as opened:
        opened.remove_alias("abuse@example.org")
        opened.add_alias("abuse@example.org", "out@example.com")
    assert len(prepared(host, address=BOB, domain="example.org example.net")) == 1, "its password was generated"
    domains, mailboxes, aliases = accounts(host)
    assert (domains, mailboxes) == (["example.net", "example.org"], [ALICE, BOB])
    assert {alias.destination for alias in aliases if alias.address != "abuse@example.org"} == {BOB}
    assert Alias("abuse@example.org", "out@example.com") in aliases, "an admin pointed it elsewhere"
