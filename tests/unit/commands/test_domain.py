"""`smallmail domain add` and `smallmail domain remove`, on a host that is a folder, with DKIM keys made by openssl."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from smallmail.accounts import database
from smallmail.commands.arguments import parser
from smallmail.dkim import keys as dkim_keys
from smallmail.dkim.key_list import OLD
from smallmail.errors import Problem, WrongUsage
from smallmail.machine import dates
from smallmail.machine.host import Host
from smallmail.settings import fields
from tests.unit.dkim.conftest import with_rspamd


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = with_rspamd(tmp_path, "3.12.1-1")
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / "var/lib/smallmail").mkdir(parents=True)
    (tmp_path / fields.PATH).write_text(
        "hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n")
    with database.open_accounts(made) as accounts:
        accounts.add_domain("example.org", "alice@example.org")
        accounts.add_mailbox("alice@example.org", "{X}hash")
    return made


def typed(host: Host, words: str) -> int:
    options = parser.parse(words.split())
    assert options is not None
    return parser.run(host, options)


def domains(host: Host) -> list[str]:
    with database.open_accounts(host) as accounts:
        return accounts.domains()


def test_a_new_domain_has_roles_and_keys_and_its_records_are_shown(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(host, "domain add Example.NET") == 0
    assert domains(host) == ["example.net", "example.org"]
    with database.open_accounts(host) as accounts:
        assert ("postmaster@example.net", "alice@example.org") in accounts.aliases()
    assert {key.kind for key in dkim_keys.load(host) if key.domain == "example.net"} == {"rsa", "ed25519"}
    told = capsys.readouterr().out
    assert told.startswith("Domain example.net added.\nSet these records in DNS:\n\n")
    assert "example.net. 3600 IN MX 10 mx.example.org." in told
    assert "dkim._domainkey.example.net. 3600 IN TXT" in told
    assert not re.search(r"^\S*example\.org\. ", told, re.MULTILINE), "the records of others are not shown"


def test_a_removed_domain_leaves_its_records_in_dns_for_mail_on_its_way(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(host, "domain add example.net") == 0
    capsys.readouterr()
    assert typed(host, "domain remove example.net") == 0
    assert domains(host) == ["example.org"]
    keys = [key for key in dkim_keys.load(host) if key.domain == "example.net"]
    assert keys and {key.state for key in keys} == {OLD}
    until = dates.day(time.time() + dkim_keys.GRACE_DAYS * 86400)
    assert capsys.readouterr().out == (
        "Domain example.net removed.\nRemove its MX record from DNS. Leave its DKIM records"
        f" (dkim._domainkey.example.net) until {until}, for mail that is on its way.\n")


@pytest.mark.parametrize("words, kind, sentence", [
    ("add example.org", Problem, "the domain example.org already exists"),
    ("add mx.example.org", WrongUsage, "mx.example.org is the host's own name: to accept mail for it, type"
     " 'smallmail set domain=\"example.org mx.example.org\"'"),
    ("remove example.org", Problem, "example.org is in the setting 'domain': type 'smallmail set domain=…' without it"
     " first"),
    ("remove example.net", WrongUsage, "example.net is not a mail domain of this host: 'smallmail domain list' lists"
     " them, 'smallmail domain add example.net' adds it"),
])  # fmt: skip
def test_what_is_refused_changes_nothing(host: Host, words: str, kind: type[Problem], sentence: str) -> None:
    with pytest.raises(Problem) as refused:
        typed(host, f"domain {words}")
    assert (refused.type, str(refused.value)) == (kind, sentence)
    assert domains(host) == ["example.org"]
    assert dkim_keys.load(host) == []
