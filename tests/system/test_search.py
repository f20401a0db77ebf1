"""A search finds every letter that has the string (RFC 9051, 6.4.4), on both suites the same ones."""

from __future__ import annotations

import imaplib
import time
from collections.abc import Iterator, Sequence

import pytest

from tests.lab import World
from tests.support import letters, search_cases
from tests.support.fixtures import Record
from tests.support.imap import done
from tests.support.mail_host import ALICE, BOB, MailHost
from tests.support.search_cases import Case, Criterion

FOLDER = "Search"


@pytest.fixture
def connection(host: MailHost) -> Iterator[imaplib.IMAP4]:
    """One session, in an empty folder."""
    connection = host.imap()
    done(connection.create(FOLDER))
    done(connection.select(FOLDER))
    yield connection
    done(connection.select("INBOX"))
    for name in (FOLDER, FOLDER + "Renamed"):
        connection.delete(name)
    connection.logout()


def store(connection: imaplib.IMAP4, letter: bytes) -> bytes:
    """Append a letter to the folder. Returns its UID."""
    done(connection.append(FOLDER, "", "", letter))
    done(connection.noop())
    return str(connection.uid("SEARCH", "UID", "*")[1][0].decode()).encode()


def found(connection: imaplib.IMAP4, *criteria: Criterion) -> set[bytes]:
    """Search for messages that meet all of the criteria. Returns their UIDs."""
    words: list[str] = []
    for key, string in criteria:
        quoted = string.replace("\\", "\\\\").replace('"', '\\"')
        words += [*key.split(), f'"{quoted}"']
    if not all(string.isascii() for _, string in criteria):
        (key, string), = criteria
        words = ["CHARSET", "UTF-8", *key.split()]
        connection.literal = string.encode()  # type: ignore[attr-defined]
    answer = connection.uid("SEARCH", *words)
    done(answer)
    return set(answer[1][0].split())


def wrong(connection: imaplib.IMAP4, cases: Sequence[Case]) -> tuple[list[str], int]:
    """Search for all that the cases name, among the letters of all of them. Returns which searches did not find what
    they should, and how many searches that were."""
    numbers = [store(connection, case.letter) for case in cases]
    differences, count = [], 0
    for case, number in zip(cases, numbers, strict=True):
        for criteria, expected in ((case.found, {number}), (case.missed, set())):
            for criterion in criteria:
                got = found(connection, criterion)
                count += 1
                if (got if expected else got & {number}) != expected:
                    differences.append(f"{case.name}: {criterion} finds {sorted(got)}, not {number!r}")
    return differences, count


def test_every_part_of_a_letter_is_found(connection: imaplib.IMAP4, record: Record) -> None:
    started = time.monotonic()
    differences, count = wrong(connection, search_cases.CASES)
    assert differences == []
    record(f"{count} searches in {len(search_cases.CASES)} letters, all right, {time.monotonic() - started:.1f} s")


def test_the_end_of_a_large_letter_is_found(connection: imaplib.IMAP4) -> None:
    differences, _ = wrong(connection, search_cases.LARGE)
    assert differences == []


def test_keys_are_combined(connection: imaplib.IMAP4) -> None:
    both, first, second, _ = (store(connection, search_cases.plain(content))
                              for content in ("apfelmus birnenmus", "apfelmus", "birnenmus", "pflaumenmus"))

    def matches(criteria: str) -> set[bytes]:
        return set(connection.uid("SEARCH", criteria)[1][0].split())

    assert matches('BODY "pfelm" BODY "rnenm"') == {both}
    assert matches('OR BODY "pfelm" BODY "rnenm"') == {both, first, second}
    assert matches('BODY "enm" NOT BODY "pfelm" NOT BODY "laum"') == {second}
    assert matches('(OR BODY "pfelm" SUBJECT "zz") UNSEEN NOT (TEXT "rnenm")') == {first}
    connection.uid("SEARCH", 'RETURN (MIN COUNT) BODY "apfelm"')
    said = connection.response("ESEARCH")[1][0]
    assert said.endswith(b"UID MIN %s COUNT 2" % both), said


def test_what_has_changed_a_moment_ago_is_searched(host: MailHost, world: World, connection: imaplib.IMAP4) -> None:
    first, second = (store(connection, search_cases.plain(f"Kaulquappe {number}")) for number in range(2))
    assert found(connection, ("BODY", "quapp")) == {first, second}
    done(connection.uid("STORE", first, "+FLAGS", r"(\Deleted)"))
    done(connection.expunge())
    assert found(connection, ("BODY", "quapp")) == {second}
    done(connection.rename(FOLDER, FOLDER + "Renamed"))
    done(connection.select(FOLDER + "Renamed"))
    assert found(connection, ("BODY", "quapp")) == {second}
    world.send(BOB, ALICE, letters.plain(BOB, ALICE, "delivered", body="eine Blaumeise\r\n"), to=host.machine)
    host.expect("INBOX", "delivered")
    done(connection.select("INBOX"))
    assert len(found(connection, ("BODY", "laumei"))) == 1
