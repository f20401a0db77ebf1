"""The verbs on mailboxes, aliases and domains, on a host that is a folder: what they change and what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smallmail.accounts import database
from smallmail.commands.arguments import parser
from smallmail.errors import Problem, WrongUsage
from smallmail.machine.host import Host
from smallmail.settings import fields


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / "var/lib/smallmail").mkdir(parents=True)
    (tmp_path / fields.PATH).write_text(
        "hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n")
    made = Host(str(tmp_path))
    with database.open_accounts(made) as accounts:
        accounts.add_domain("example.org", "alice@example.org")
        for name in ("alice", "bob", "abuse"):
            accounts.add_mailbox(f"{name}@example.org", "{X}hash")
    return made


def typed(host: Host, words: str) -> int:
    options = parser.parse(words.split())
    assert options is not None
    return parser.run(host, options)


@pytest.mark.parametrize("words, told", [
    ("alias add sales@example.org Bob@example.org", "Alias sales@example.org -> bob@example.org created.\n"),
    ("alias remove root@example.org", "Alias root@example.org removed.\n"),
    ("alias remove root@example.org alice@example.org", "Alias root@example.org -> alice@example.org removed.\n"),
    ("user remove bob@example.org",
     "Mailbox bob@example.org removed. Nobody can log in or receive mail there now.\n"
     "It had no mail.\n"),
    ("user remove abuse@example.org",
     "Mailbox abuse@example.org removed. Mail for it is now delivered to alice@example.org.\n"
     "It had no mail.\n"),
])  # fmt: skip
def test_what_was_changed_is_said(host: Host, words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(host, words) == 0
    assert capsys.readouterr() == (told, "")


def test_lists(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("domain list", "user list", "alias list --json"):
        assert typed(host, words) == 0
    text, _, data = capsys.readouterr().out.partition("[")
    assert text == "example.org\nabuse@example.org\nalice@example.org\nbob@example.org\n"
    assert json.loads("[" + data)[0] == {"address": "hostmaster@example.org", "destination": "alice@example.org"}


@pytest.mark.parametrize("words, kind, sentence", [
    ("user add bob@example.org", Problem, "the mailbox bob@example.org already exists"),
    ("user add carol@example.com", WrongUsage, "example.com is not a mail domain of this host"),
    ("user add carol@example.org", WrongUsage, "there is no terminal to ask for the password: use --password-stdin"),
    ("user add --password-stdin carol@example.org", WrongUsage, "the password is too short: use 8 characters or more"),
    ("user passwd carol@example.org", WrongUsage, "there is no mailbox carol@example.org"),
    ("user remove carol@example.org", WrongUsage, "there is no mailbox carol@example.org"),
    ("user remove alice@example.org", Problem, "alice@example.org is the first mailbox"),
    ("alias add sales@example.com bob@example.org", WrongUsage, "example.com is not a mail domain of this host"),
    ("alias add sales@example.org carol@example.org", WrongUsage, "there is no mailbox for carol@example.org"),
    ("alias add bob@example.org alice@example.org", Problem, "bob@example.org is a mailbox"),
    ("alias remove sales@example.org", WrongUsage, "there is no alias sales@example.org"),
])  # fmt: skip
def test_what_cannot_be_done_is_told(
    host: Host, words: str, kind: type[Problem], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "empty").open("w+") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(Problem, match=sentence) as refused:
            typed(host, words)
    assert refused.type is kind


def test_a_host_that_is_not_set_up_says_so(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="is not set up yet: type 'dpkg-reconfigure smallmail-server'"):
        typed(Host(str(tmp_path)), "user list")
    assert not (tmp_path / "var").exists(), "and nothing was made"
