"""Which layout Dovecot's configuration has: our templates of all versions, those of 0.3.0, an admin's own."""

from __future__ import annotations

import re

import pytest

from smallmail.folders import in_force
from smallmail.folders.moves import FLAT, TREE
from tests.golden import trees

HEAD = "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\n"


@pytest.mark.parametrize("case", sorted(trees.CASES))
def test_our_configuration_is_recognised(case: str) -> None:
    text = trees.rendered(case)["etc/dovecot/conf.d/95-smallmail-mail.conf"]
    # What doveconf does not print: comments, and what is Dovecot's default.
    printed = re.sub(r"(?m)^(#.*|mailbox_list_layout = fs|mailbox_list_index = yes)\n", "", text)
    assert in_force.read(HEAD + printed) == (TREE, True)


@pytest.mark.parametrize("text", ["mail_location = maildir:~/mail\n", "mail_driver = maildir\nmail_path = ~/mail\n"])
def test_the_layout_of_0_3_0_is_recognised(text: str) -> None:
    assert in_force.read(HEAD + text) == (FLAT, True)


@pytest.mark.parametrize("text", [
    "", "mail_location = mdbox:~/mail\n", "mail_location = maildir:~/Maildir\n",
    "mail_location = maildir:~/mail:LAYOUT=fs\n", "mail_driver = sdbox\nmail_path = ~/mail\n",
    "mail_driver = maildir\nmail_path = ~/mail\nmailbox_list_layout = index\n"])
def test_an_admins_own_is_left_alone(text: str) -> None:
    assert in_force.read(HEAD + text).layout == ""


@pytest.mark.parametrize(("version", "every_tilde"), [
    ("2.2.27", False), ("2.3.13", False), ("2.3.14", True), ("2.3.19.1", True), ("2.4.1-4", True), ("2.4.5", True)])
def test_it_depends_on_the_version_which_tildes_are_escaped(version: str, every_tilde: bool) -> None:
    text = f"# {version} (0cbb641e3e): /etc/dovecot/dovecot.conf\nmail_location = maildir:~/mail\n"
    assert in_force.read(text) == (FLAT, every_tilde)
