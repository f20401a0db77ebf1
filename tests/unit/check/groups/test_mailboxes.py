"""Mailboxes: scripts that do not run, too many folders, and what a host without faults says."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.check.groups import mailboxes
from smallmail.findings import NOTE, PROBLEM, Finding
from smallmail.machine.host import Host

ANNA, HOME = "anna@example.org", "srv/mail/example.org/anna"
# As `doveconf -n` prints it.
OLD = "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\nplugin {\n  sieve_extensions = -enotify\n}\n"
NEW = ("# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\nquota_mailbox_count = 1000\nsieve_extensions {\n"
       "  enotify = no\n}\n")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / HOME / "sieve").mkdir(parents=True)
    (tmp_path / HOME / "sieve/a.sieve").write_text('require "enotify"; notify "mailto:x@example.net";')
    (tmp_path / HOME / "mail/mailboxes").mkdir(parents=True)
    return Host(str(tmp_path))


def found(host: Host, in_force: str) -> list[Finding]:
    return list(mailboxes.mailbox(host, "/srv/mail", ANNA, in_force))


@pytest.mark.parametrize("in_force", [OLD, NEW])
def test_a_script_that_does_not_run_is_a_problem(host: Host, in_force: str) -> None:
    assert found(host, in_force) == [], "no script is active"
    Path(host.root, HOME, ".dovecot.sieve").symlink_to("sieve/a.sieve")
    problem, = found(host, in_force)
    assert problem.severity == PROBLEM
    assert problem.what == "the Sieve script of anna@example.org does not run"


def test_an_admin_may_have_switched_it_on(host: Host) -> None:
    Path(host.root, HOME, ".dovecot.sieve").symlink_to("sieve/a.sieve")
    assert found(host, "quota_mailbox_count = 1000\nsieve_extensions {\n  enotify = yes\n}\n") == []


def test_a_thousand_folders_are_noted_where_dovecot_has_no_limit(host: Host) -> None:
    for number in range(1000):
        Path(host.root, HOME, "mail/mailboxes", str(number)).mkdir()
    assert found(host, OLD) == []
    Path(host.root, HOME, "mail/mailboxes/1/1").mkdir()
    note, = found(host, OLD)
    assert (note.severity, note.what) == (
        NOTE, "the mailbox anna@example.org has more than 1,000 folders, and Dovecot before 2.4 cannot limit them")
    assert found(host, NEW) == []
