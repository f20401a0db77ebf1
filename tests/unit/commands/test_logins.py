"""Logins that are disabled, enabled, and given limits, on a host that is a folder."""

from __future__ import annotations

import sqlite3

import pytest

from smallmail.errors import Problem, WrongUsage
from smallmail.machine import state
from smallmail.machine.host import Host
from tests.golden import trees
from tests.unit.commands.test_accounts import host, typed  # noqa: F401 (a fixture)

BOB = "bob@example.org"


def refused(root: Host, login: str) -> list[str]:
    """What Postfix finds about a login (sqlite_table(5))."""
    text = trees.rendered("trixie-plain")["etc/postfix/smallmail/disabled.cf"]
    query = text.partition("query = ")[2].replace("%s", login)
    return [row[0] for row in sqlite3.connect(root.path(state.ACCOUNTS)).execute(query)]


def dovecot_knows(root: Host, login: str) -> bool:
    query = "SELECT 1 FROM credential WHERE address = ? AND enabled = 1"
    return sqlite3.connect(root.path(state.PASSWORDS)).execute(query, (login,)).fetchone() is not None


def test_a_disabled_login_is_known_to_postfix_and_dovecot(host: Host, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    assert typed(host, f"user disable {BOB}") == 0
    assert "bob@example.org is disabled: it cannot log in or send any more" in capsys.readouterr().out
    assert (refused(host, BOB), dovecot_knows(host, BOB)) == (["REJECT This login is disabled"], False)
    assert (refused(host, "alice@example.org"), dovecot_knows(host, "alice@example.org")) == ([], True)
    typed(host, "user list")
    assert "bob@example.org  (disabled)\n" in capsys.readouterr().out
    with pytest.raises(Problem, match="bob@example.org is disabled already"):
        typed(host, f"user disable {BOB}")
    assert typed(host, f"user enable {BOB}") == 0
    assert (refused(host, BOB), dovecot_knows(host, BOB)) == ([], True)


def test_a_mailbox_that_is_removed_leaves_nothing(host: Host) -> None:  # noqa: F811
    for words in (f"user disable {BOB}", f"user limit {BOB} messages-day=5", f"user remove {BOB}"):
        typed(host, words)
    database = sqlite3.connect(host.path(state.ACCOUNTS))
    assert database.execute("SELECT * FROM disabled UNION SELECT address FROM sending_limit").fetchall() == []


def test_limits_are_set_and_shown(host: Host, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    assert typed(host, f"user limit {BOB} messages-day=5 new-network=0") == 0
    assert capsys.readouterr().out == (
        "messages-hour    400  (as usual)\nmessages-day     5\nrecipients-hour  400  (as usual)\n"
        "recipients-day   1000  (as usual)\nnew-network      no limit\n")
    typed(host, f"user limit {BOB} messages-day=")
    assert "messages-day     1000  (as usual)\n" in capsys.readouterr().out


@pytest.mark.parametrize("words", ["x=1", "messages-day", "messages-day=-1", "messages-day=many", "messages_day=1"])
def test_a_wrong_limit_is_refused(host: Host, words: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    with pytest.raises(WrongUsage, match="limit"):
        typed(host, f"user limit {BOB} messages-hour=1 {words}")
    typed(host, f"user limit {BOB}")
    assert "messages-hour    400  (as usual)" in capsys.readouterr().out, "nothing was changed"


def test_a_mailbox_that_does_not_exist(host: Host) -> None:  # noqa: F811
    for verb in ("disable", "enable", "limit"):
        with pytest.raises(WrongUsage, match="no mailbox x@example.org"):
            typed(host, f"user {verb} x@example.org")
