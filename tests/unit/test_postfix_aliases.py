"""The query that tells Postfix where the mail of an alias goes (aliases.cf), asked as Postfix asks it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smallmail.accounts.database import Accounts
from tests.golden import trees

ANNA, BOB, ELSEWHERE = "anna@example.org", "bob@example.org", "anna@example.net"
FORWARDED = f"{ELSEWHERE}.forward.invalid"  # as Postfix gets it
Ask = Callable[[str], set[str]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    made = Accounts(str(tmp_path / "accounts.db"), str(tmp_path / "passwords.db"))
    for domain in ("example.org", "sub.example.org", "example.com"):
        made.add_domain(domain, ANNA)
    for mailbox in (ANNA, BOB):
        made.add_mailbox(mailbox, "hash")
    for alias, destination in [
        ("sales@example.org", ANNA), ("out@example.org", ELSEWHERE), ("out+own@example.org", BOB),
        ("both@example.org", ELSEWHERE), ("both@example.org", ANNA), ("both@example.org", "bob+team@example.org"),
        ("there@example.org", "anna+here@example.net"), ("@example.com", ELSEWHERE),
        ("chain@example.org", "out@example.org"), ("two@example.org", ELSEWHERE), ("two@example.org", "x@example.info"),
        ("host@example.org", "root@mail.example.org"), ("host@example.org", "root@localhost"),
        ("below@example.org", "anna@deep.sub.example.org"), ("most@example.org", ELSEWHERE),
        ("most@example.org", "out@example.org"),
    ]:  # fmt: skip
        made.add_alias(alias, destination)
    made.close()
    text = trees.rendered("trixie-plain")["etc/postfix/smallmail/aliases.cf"]
    reader = sqlite3.connect(f"file:{tmp_path / 'accounts.db'}?mode=ro", uri=True)

    def answer(address: str) -> set[str]:
        # sqlite_table(5): %s is the address, quoted for SQL, and %% a percent sign.
        query = text.partition("query = ")[2].replace("%s", address.replace("'", "''")).replace("%%", "%")
        return {row[0] for row in reader.execute(query)}

    yield answer
    reader.close()


@pytest.mark.parametrize(("asked", "answer"), [
    (ANNA, {ANNA}),
    ("sales@example.org", {ANNA}),
    ("out@example.org", {FORWARDED}),
    ("both@example.org", {FORWARDED, ANNA, "bob+team@example.org"}),
    ("@example.com", {FORWARDED}),
    ("chain@example.org", {"out@example.org"}),
    ("two@example.org", {FORWARDED, "x@example.info.forward.invalid"}),
    ("host@example.org", {"root@mail.example.org", "root@localhost"}),
    ("below@example.org", {"anna@deep.sub.example.org.forward.invalid"}),
    ("most@example.org", {FORWARDED, "out@example.org"}),
    ("nobody@example.org", set()),
    ("o'nobody@example.org", set()),
])
def test_an_address_without_a_tag(ask: Ask, asked: str, answer: set[str]) -> None:
    assert ask(asked) == answer


@pytest.mark.parametrize("asked", [
    "anna+tag@example.org",
    "sales+tag@example.org",
    "both+tag@sub.example.org",
    "out+tag@example.net",
    "any+tag@example.com",
    "+tag@example.org",
    "out+",
    "both",
])
def test_postfix_handles_the_tag_where_all_destinations_are_here(ask: Ask, asked: str) -> None:
    assert ask(asked) == set()


@pytest.mark.parametrize(("asked", "answer"), [
    ("out+tag@example.org", {FORWARDED}),
    ("out+@example.org", {FORWARDED}),
    ("both+tag@example.org", {FORWARDED, "anna+tag@example.org", "bob+team+tag@example.org"}),
    ("both+a+b@example.org", {FORWARDED, "anna+a+b@example.org", "bob+team+a+b@example.org"}),
    ("there+tag@example.org", {"anna+here@example.net.forward.invalid"}),
    ("out+own@example.org", {BOB}),
])
def test_a_tag_goes_to_no_other_host(ask: Ask, asked: str, answer: set[str]) -> None:
    assert ask(asked) == answer


@pytest.mark.parametrize("tag", [
    "a,eve@example.net",
    "a,eve@example.net,b",
    "a@b",
    '"x"',
    "a b",
    "<eve@example.net>",
])
def test_a_tag_adds_no_recipient(ask: Ask, tag: str) -> None:
    assert ask(f"both+{tag}@example.org") == {FORWARDED, ANNA, "bob+team@example.org"}
