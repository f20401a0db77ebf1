"""The mail domains that somebody names."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.accounts import database, domains
from smallmail.errors import WrongUsage
from smallmail.machine.host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "var/lib/smallmail").mkdir(parents=True)
    made = Host(str(tmp_path))
    with database.open_accounts(made) as accounts:
        accounts.add_domain("example.org", "alice@example.org")
        accounts.add_domain("example.net", "alice@example.org")
    return made


def test_without_a_name_all_are_meant(host: Host) -> None:
    assert domains.chosen(host, []) == domains.domains(host) == ["example.net", "example.org"]


def test_a_name_is_taken_in_any_case_and_with_a_dot(host: Host) -> None:
    assert domains.chosen(host, ["Example.ORG."]) == ["example.org"]


def test_a_name_of_somebody_else_is_refused_unless_it_is_accepted(host: Host) -> None:
    with pytest.raises(WrongUsage, match="example.com is not a mail domain of this host: 'smallmail domain list'"):
        domains.chosen(host, ["example.com"])
    assert domains.chosen(host, ["example.com"], lambda name: name == "example.com") == ["example.com"]
