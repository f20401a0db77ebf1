"""What several files say about mail that leaves by an alias or a Sieve script agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smallmail.daemons import listening
from tests.golden import trees

TABLES = "etc/postfix/smallmail/"
TREE = trees.rendered("trixie-plain")
PORTS = {port.number for port in listening.FORWARDING}
RETURNED = Path(__file__).parents[2] / "share/sieve/returned.sieve"


def rules(name: str) -> list[tuple[re.Pattern[str], str]]:
    """Read a regexp_table(5)."""
    lines = re.sub(r"\n\s+", " ", TREE[TABLES + name]).splitlines()
    found = [re.fullmatch(r"/(.*)/ (.*)", line) for line in lines if line.startswith("/")]
    return [(re.compile(rule[1].replace("[[:space:]]", r"\s"), re.I | re.S), rule[2]) for rule in found if rule]


def first(name: str, text: str) -> str:
    """Return what a table has for a text."""
    return next((match.expand(answer.replace("$", "\\")) for pattern, answer in rules(name)
                 if (match := pattern.search(text))), "")


@pytest.mark.parametrize("case", trees.CASES)
def test_the_ports_are_those_of_the_services(case: str) -> None:
    tree = trees.rendered(case)
    assert {int(port) for port in re.findall(r"^127\.0\.0\.1:(\d+) inet", tree["etc/postfix/master.cf"], re.M)} == PORTS
    assert {int(port) for port in re.findall(r"forward:\[127\.0\.0\.1\]:(\d+)", tree[TABLES + "transports"])} < PORTS
    sieve = re.search(r"submission_host = 127\.0\.0\.1:(\d+)", tree["etc/dovecot/conf.d/95-smallmail-sieve.conf"])
    assert sieve and int(sieve[1]) in PORTS


def test_a_program_on_one_of_the_ports_is_found_before_an_apply() -> None:
    assert {port.number for port in listening.EXCLUSIVE} >= PORTS
    assert not PORTS & {port.number for port in listening.PUBLIC}


@pytest.mark.parametrize("case", trees.CASES)
def test_notices_of_redirected_and_of_forwarded_mail_have_the_tag_that_sieve_knows(case: str) -> None:
    tree = trees.rendered(case)
    tag = re.search(r'"to" "(.*?)"', RETURNED.read_text(encoding="utf-8"))
    assert tag and f"'postmaster+{tag[1]}@example.org'" in tree[TABLES + "forwarded-senders.cf"]
    accounts = "smallmail-accounts.conf.ext" if "etc/dovecot/smallmail-accounts.conf.ext" in tree else (
        "conf.d/05-smallmail.conf")
    assert f"replace(address, '@', '+{tag[1]}@')" in tree[f"etc/dovecot/{accounts}"]


@pytest.mark.parametrize(("marked", "address"), [
    ("bob@example.net.forward.invalid", "bob@example.net"),
    ('"a b"@example.net.forward.invalid', '"a b"@example.net'),
    ("bob@forward.invalid", ""),
    ("bob@example.net", ""),
    ("bob@forward.invalid.example.net", ""),
])  # fmt: skip
def test_a_mark_is_removed(marked: str, address: str) -> None:
    assert first("unmarked", marked) == address
    assert bool(first("transports", marked)) == bool(address)


def test_the_received_header_of_the_service_shows_no_mark() -> None:
    written = ("Received: from mail.example.org (localhost [127.0.0.1])\n"
               "\tby mail.example.org (Postfix) with ESMTP id 4AB\n"
               "\tfor <bob@example.net{}>; Thu, 26 Nov 2026 18:37:54 +0000 (UTC)")
    marked = written.format(".forward.invalid")
    assert first("forwarded-headers", marked) == "REPLACE " + written.format("")
    assert first("forwarded-headers", written.format("")) == ""
    assert first("forwarded-headers", marked.replace("mail.example.org (Postfix)", "other (Postfix)")) == ""


@pytest.mark.parametrize(("header", "action"), [
    ("X-Spam: Yes", "REDIRECT postmaster@junk.invalid"),
    ("X-Smallmail-Copy: yes", "DISCARD spam"),
    ("X-Smallmail-Filed: not forwarded", "DISCARD spam"),
    ("X-Spam: No", ""),
    ("Subject: X-Spam: Yes", ""),
])  # fmt: skip
def test_spam_is_not_forwarded(header: str, action: str) -> None:
    assert first("forwarded-headers", header) == action
