"""Which overlay makes which file."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.configuration import render
from smallmail.daemons.facts import Facts
from smallmail.errors import Problem
from smallmail.resources import Resources
from smallmail.settings.fields import Settings

SETTINGS = Settings({"hostname": "mail.example.org", "domain": "example.org", "address": "alice@example.org"})


def facts(dovecot: str) -> Facts:
    versions = {"postfix": "3.7.11", "dovecot": dovecot, "rspamd": "3.4"}
    return Facts(versions, "redis", Resources(1024, 1, ipv6=True), validating=False, mta_sts=False)


@pytest.fixture
def templates(tmp_path: Path) -> str:
    for name, text in {
            "dovecot-2.2/etc/dovecot/a.conf.j2": "old {{ settings.hostname }}\n",
            "dovecot-2.2/etc/dovecot/b.conf.j2": "only old\n",
            "dovecot-2.2/etc/dovecot/_part.j2": "part\n",
            "dovecot-2.3.10/etc/dovecot/a.conf.j2": "new\n",
            "dovecot-2.4/etc/dovecot/b.conf.j2": "  \n",
            "postfix-3.1/etc/postfix/main.cf.j2": "a = 1\nb = 2\n",
            "postfix-3.5/etc/postfix/main.cf.j2": "{% include 'postfix-3.1/etc/postfix/main.cf.j2' %}\nb = 3\n",
            "postfix-3.1/etc/postfix/master.cf.j2": "x inet n - y - - smtpd\n  -o c=d\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return str(tmp_path)


@pytest.mark.parametrize(("dovecot", "files"), [
    ("2.2.27", {"etc/dovecot/a.conf": b"old mail.example.org\n", "etc/dovecot/b.conf": b"only old\n"}),
    ("2.3.9+dfsg1", {"etc/dovecot/a.conf": b"old mail.example.org\n", "etc/dovecot/b.conf": b"only old\n"}),
    ("2.3.19.1+dfsg1", {"etc/dovecot/a.conf": b"new\n", "etc/dovecot/b.conf": b"only old\n"}),
    ("2.4.1", {"etc/dovecot/a.conf": b"new\n"}),
])
def test_the_newest_that_fits_wins_and_white_space_makes_no_file(
        templates: str, dovecot: str, files: dict[str, bytes]) -> None:
    tree = render.render(SETTINGS, facts(dovecot), templates=templates)
    assert {path: file.content for path, file in tree.files.items()} == files


def test_postfix_lines_are_merged_and_the_admins_come_last(templates: str) -> None:
    tree = render.render(SETTINGS, facts("2.2"), "a = mine\n", "x inet n - n - - smtpd\n", templates)
    assert tree.parameters == {"a": "mine", "b": "3"}
    assert tree.services == {"x/inet": "x inet n - n - - smtpd"}


def test_an_indented_first_line_of_the_admins_does_not_go_on_with_our_last_one(templates: str) -> None:
    tree = render.render(SETTINGS, facts("2.2"), "  c = mine\n", "", templates)
    assert (tree.parameters["b"], tree.parameters["c"]) == ("3", "mine")


def test_a_template_that_asks_for_what_is_not_there_is_named(templates: str, tmp_path: Path) -> None:
    (tmp_path / "dovecot-2.2/etc/dovecot/c.conf.j2").write_text("{{ settings.nonsense }}\n")
    with pytest.raises(Problem, match="c.conf.j2"):
        render.render(SETTINGS, facts("2.2"), templates=templates)
