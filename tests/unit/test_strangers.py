"""To whom Postfix lets strangers write at this host's own names: its table, read as regexp_table(5) says."""

from __future__ import annotations

import re

import pytest

from tests.golden import trees

UNKNOWN = "550 5.1.1 User unknown"


def _answer(case: str, address: str) -> str:
    """Return what the first matching rule says. Case does not matter (regexp_table(5))."""
    for line in trees.rendered(case)["etc/postfix/smallmail/strangers"].splitlines():
        rule = re.fullmatch(r"/(.*)/ (.*)", line)
        if rule and re.search(rule.group(1), address, re.IGNORECASE):
            return rule.group(2)
    return ""


@pytest.mark.parametrize("suite", sorted(trees.SUITES))
@pytest.mark.parametrize(("address", "answer"), [
    ("postmaster@mail.example.org", "DUNNO"),
    ("Abuse@MAIL.example.org", "DUNNO"),
    ("postmaster@localhost", "DUNNO"),
    ("root@mail.example.org", UNKNOWN),
    ("daemon+x@mail.example.org", UNKNOWN),
    ("no-such-account@mail.example.org", UNKNOWN),
    ("not-postmaster@mail.example.org", UNKNOWN),
    ("postmaster@x@mail.example.org", UNKNOWN),
    ("daemon@localhost.mail.example.org", UNKNOWN),
    ("daemon@[192.0.2.1]", UNKNOWN),
    ("root@example.org", ""),
    ("root@mail.example.org.example.net", ""),
    ("root@mailxexample.org", ""),
])  # fmt: skip
def test_strangers_reach_roles_only(suite: str, address: str, answer: str) -> None:
    assert _answer(suite + "-plain", address) == answer


def test_a_mail_domain_with_the_name_of_the_host_is_like_any_other() -> None:
    assert _answer("trixie-full", "alice@mail.example.org") == ""
    assert _answer("trixie-full", "root@localhost.mail.example.org") == UNKNOWN
