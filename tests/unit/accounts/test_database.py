"""The accounts: what can be added and removed, and what is refused with a sentence."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smallmail.accounts.database import Accounts, Alias, open_accounts
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.host import Host


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Accounts]:
    made = Accounts(str(tmp_path / "accounts.db"), str(tmp_path / "passwords.db"))
    made.add_domain("example.org", "alice@example.org")
    made.add_mailbox("alice@example.org", "{X}hash")
    yield made
    made.close()


def test_roles_lead_to_the_first_mailbox(database: Accounts) -> None:
    assert database.aliases() == [Alias(f"{role}@example.org", "alice@example.org")
                                  for role in ("abuse", "hostmaster", "postmaster", "root")]


def test_a_first_mailbox_that_is_a_role_is_no_alias_of_itself(tmp_path: Path) -> None:
    made = Accounts(str(tmp_path / "a.db"), str(tmp_path / "p.db"))
    made.add_domain("example.net", "postmaster@example.net")
    made.add_mailbox("postmaster@example.net", "x")
    assert "postmaster@example.net" not in [alias.address for alias in made.aliases()]


def test_hashes_are_not_in_the_database_that_postfix_reads(database: Accounts, tmp_path: Path) -> None:
    assert b"{X}hash" not in (tmp_path / "accounts.db").read_bytes()
    assert b"{X}hash" in (tmp_path / "passwords.db").read_bytes()


def test_readers_need_no_write_permission(tmp_path: Path, database: Accounts) -> None:
    """No WAL: a reader of the file alone, opened read-only, sees everything."""
    reader = sqlite3.connect(f"file:{tmp_path / 'accounts.db'}?mode=ro", uri=True)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert reader.execute("SELECT address FROM mailbox").fetchall() == [("alice@example.org",)]


@pytest.mark.parametrize("change, sentence", [
    (lambda db: db.add_domain("example.org", "x@example.org"), "already exists"),
    (lambda db: db.add_mailbox("bob@example.net", "h"), "not a mail domain of this host"),
    (lambda db: db.add_mailbox("alice@example.org", "h"), "user passwd alice@example.org"),
    (lambda db: db.remove_mailbox("bob@example.org", "alice@example.org"), "no mailbox bob@example.org"),
    (lambda db: db.remove_mailbox("alice@example.org", "bob@example.org"), "still receives the mail of"),
    (lambda db: db.remove_domain("example.org"), "still has 1 mailbox"),
    (lambda db: db.set_password("bob@example.org", "h"), "no mailbox bob@example.org"),
    (lambda db: db.add_alias("alice@example.org", "b@example.net"), "is a mailbox"),
    (lambda db: db.add_alias("info@example.org", "nobody@example.org"), "there is no mailbox for nobody@example.org"),
    (lambda db: db.add_alias("root@example.org", "alice@example.org"), "already exists"),
    (lambda db: db.add_alias("@example.com", "alice@example.org"), "not a mail domain of this host"),
    (lambda db: db.remove_alias("info@example.org"), "no alias info@example.org"),
])
def test_refused_with_a_sentence_and_nothing_changed(
    database: Accounts, change: Callable[[Accounts], object], sentence: str
) -> None:
    before = (database.domains(), database.mailboxes(), database.aliases())
    with pytest.raises(Problem, match=sentence):
        change(database)
    assert (database.domains(), database.mailboxes(), database.aliases()) == before


def test_loops_are_refused(database: Accounts) -> None:
    database.add_alias("a@example.org", "alice@example.org")
    database.add_alias("b@example.org", "a@example.org")
    with pytest.raises(Problem, match="loop"):
        database.add_alias("a@example.org", "b@example.org")


def test_a_mailbox_takes_the_place_of_its_alias(database: Accounts) -> None:
    assert database.add_mailbox("abuse@example.org", "h") == ["alice@example.org"]
    assert "abuse@example.org" not in [alias.address for alias in database.aliases()]


def test_a_role_without_its_mailbox_goes_to_the_first_again(database: Accounts) -> None:
    """RFC 5321, 4.5.1: mail for the postmaster is always taken."""
    before = database.aliases()
    database.add_mailbox("postmaster@example.org", "h")
    assert database.remove_mailbox("postmaster@example.org", "alice@example.org")
    assert database.aliases() == before


def test_the_roles_follow_the_first_mailbox_but_not_those_pointed_elsewhere(database: Accounts) -> None:
    database.add_mailbox("bob@example.org", "h")
    database.remove_alias("abuse@example.org")
    database.add_alias("abuse@example.org", "out@example.net")
    database.move_roles("alice@example.org", "bob@example.org")
    assert database.aliases() == [Alias("abuse@example.org", "out@example.net")] + [
        Alias(f"{role}@example.org", "bob@example.org") for role in ("hostmaster", "postmaster", "root")]


def test_a_removed_domain_takes_its_own_aliases_only(database: Accounts) -> None:
    database.add_domain("an_example.org", "alice@example.org")
    database.add_domain("anXexample.org", "alice@example.org")
    database.remove_domain("an_example.org")
    assert {alias.address.partition("@")[2] for alias in database.aliases()} == {"example.org", "anXexample.org"}


def test_a_damaged_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "var/lib/smallmail").mkdir(parents=True)
    (tmp_path / state.ACCOUNTS).write_bytes(b"not a database, but long enough to be read as one" * 100)
    told = "accounts.db and /var/lib/smallmail/passwords.db cannot be used: file is not a database"
    with pytest.raises(Problem, match=told), open_accounts(Host(str(tmp_path))) as accounts:
        accounts.domains()


def test_who_keeps_the_database_from_being_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who may read it can lock it (https://www.sqlite.org/lockingv3.html: SHARED)."""
    host = Host(str(tmp_path))
    with open_accounts(host) as accounts:
        accounts.add_domain("example.org", "anna@example.org")
    (tmp_path / "proc").mkdir()
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *words, **named: real(*words, **{**named, "timeout": 0.1}))
    lock = ("import fcntl, time; file = open(%r, 'rb'); fcntl.lockf(file, fcntl.LOCK_SH, 1, 0x40000002);"
            "print('held', flush=True); time.sleep(60)") % host.path(state.ACCOUNTS)
    with subprocess.Popen([sys.executable, "-c", lock], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"held\n"
        (tmp_path / "proc/locks").write_text(Path("/proc/locks").read_text())
        with pytest.raises(Problem, match=f"database is locked by process {process.pid}: 'ps -fp {process.pid}'"), \
                open_accounts(host) as accounts:
            accounts.add_domain("example.net", "anna@example.org")
        process.kill()
