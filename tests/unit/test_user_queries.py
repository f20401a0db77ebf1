"""The queries by which Dovecot finds a mailbox, as they are rendered: run on accounts that smallmail made."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smallmail.accounts.database import Accounts
from tests.golden import trees

QUERIES = {"bookworm": ("etc/dovecot/smallmail-accounts.conf.ext", r"user_query = (.*?[^\\])\n", "%u", "%s"),
           "trixie": ("etc/dovecot/conf.d/05-smallmail.conf", r"userdb_sql_query = (.*?[^\\])\n", "%{user}",
                      "%{protocol}")}  # fmt: skip
Found = Callable[..., "tuple[str | None, str] | None"]


def query(suite: str, user: str, service: str) -> str:
    path, setting, user_variable, service_variable = QUERIES[suite]
    found = re.search(setting, trees.rendered(f"{suite}-plain")[path], re.DOTALL)
    assert found
    return found[1].replace("\\\n", "\n").replace(user_variable, user).replace(service_variable, service)


@pytest.fixture(params=QUERIES)
def find(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Found]:
    """Ask as Dovecot does: whose mailbox, and the pattern of its addresses; nothing if it does not exist."""
    for name in ("accounts", "passwords"):
        (tmp_path / name).touch()
    accounts = Accounts(str(tmp_path / "accounts"), str(tmp_path / "passwords"))
    for domain in ("example.org", "example.com", "example.net"):
        accounts.add_domain(domain, "alice@example.org")
    for name in ("alice", "al", "bob", "o'brien"):
        accounts.add_mailbox(f"{name}@example.org", "x")
    for address, destination in [
        ("info@example.org", "alice@example.org"), ("shop@example.org", "alice+shop@example.org"),
        ("far@example.com", "info@example.org"), ("@example.net", "alice@example.org"),
        ("other@example.org", "alice@example.edu"), ("team@example.org", "alice@example.org"),
        ("team@example.org", "bob@example.org"), ("ob@example.org", "o'brien@example.org"),
    ]:  # fmt: skip
        accounts.add_alias(address, destination)

    def found(user: str, service: str = "lmtp") -> tuple[str | None, str] | None:
        with sqlite3.connect(tmp_path / "accounts") as database:
            row = database.execute(query(request.param, user.replace("'", "''"), service)).fetchone()
        return row and (row[0], row[2])

    yield found
    accounts.close()


def names(find: Found, user: str, address: str) -> bool:
    """Whether the pattern of a mailbox has an address, as answers.sieve looks for it."""
    found = find(user)
    assert found and found[0] == user
    return re.search(f"^({found[1]})$", address, re.IGNORECASE) is not None


@pytest.mark.parametrize("address", [
    "alice@example.org", "ALICE@example.org", "alice+x@example.org", "info@example.org", "info+x@example.org",
    "shop@example.org", "far@example.com", "anything@example.net", "team@example.org", "postmaster@example.org",
])  # fmt: skip
def test_a_mailbox_has_the_addresses_of_its_aliases(find: Found, address: str) -> None:
    assert names(find, "alice@example.org", address)


@pytest.mark.parametrize("address", [
    "al@example.org", "malice@example.org", "alice@exampleXorg", "other@example.org", "bob@example.org",
    "alice@example.org.example.com", "x@example.com",
])  # fmt: skip
def test_a_mailbox_has_no_other_address(find: Found, address: str) -> None:
    assert not names(find, "alice@example.org", address)


def test_names_may_have_an_apostrophe(find: Found) -> None:
    assert names(find, "o'brien@example.org", "ob@example.org")
    assert find("o'brien@example.org", "quota-status")


def test_a_mailbox_with_very_many_addresses_has_any(find: Found, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "accounts") as database:
        database.executemany("INSERT INTO alias VALUES (?, 'bob@example.org')",
                             [(f"address{number}@example.org",) for number in range(200)])  # fmt: skip
    assert find("bob@example.org") == ("bob@example.org", ".*")


@pytest.mark.parametrize("service", ["lmtp", "imap", "doveadm", "sieve"])
def test_an_alias_is_not_a_mailbox(find: Found, service: str) -> None:
    assert find("info@example.org", service) is None


@pytest.mark.parametrize(("asked", "whose"), [
    ("alice@example.org", "alice@example.org"), ("info@example.org", "alice@example.org"),
    ("far@example.com", "alice@example.org"), ("team@example.org", None), ("other@example.org", None),
    ("nobody@example.org", None),
])  # fmt: skip
def test_the_quota_of_an_alias_is_that_of_its_only_mailbox(find: Found, asked: str, whose: str | None) -> None:
    found = find(asked, "quota-status")
    assert (found and found[0]) == whose
