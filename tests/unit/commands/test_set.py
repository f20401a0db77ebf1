"""`smallmail set`: what is refused before anything is looked at or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.accounts import database
from smallmail.commands import set as set_
from smallmail.commands.arguments import parser
from smallmail.configuration.apply import Outcome
from smallmail.errors import Problem, WrongUsage
from smallmail.machine.host import Host
from smallmail.settings import fields
from smallmail.zones import points_here

NOTHING = Outcome([], [], [], [])


@pytest.mark.parametrize("words, sentence", [
    ("greylisting", "'greylisting' is not NAME=VALUE: type 'smallmail set greylisting=…'"),
    ("greylistin=no", "there is no setting 'greylistin'; did you mean 'greylisting'?"),
    ("greylisting=maybe", "greylisting: 'maybe' must be yes or no"),
    ("password=secret", "a mailbox's password is changed by 'smallmail user passwd ADDRESS'"),
    ("relay-password=secret",
     "a secret does not belong on the command line: type 'smallmail set relay-password=' to be asked for it"),
    ("quota=1G greylisting=maybe", "greylisting: 'maybe' must be yes or no"),
])  # fmt: skip
def test_wrong_usage(words: str, sentence: str, tmp_path: Path) -> None:
    options = parser.parse(["set", *words.split()])
    assert options is not None
    with pytest.raises(WrongUsage) as refused:
        parser.run(Host(str(tmp_path)), options)
    assert str(refused.value) == sentence
    assert list(tmp_path.iterdir()) == []


def set_up(root: Path, more: str = "") -> Host:
    (root / "etc/smallmail").mkdir(parents=True)
    (root / fields.PATH).write_text(
        f"hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n{more}")
    host = Host(str(root))
    with database.open_accounts(host) as accounts:
        accounts.add_domain("example.org", "alice@example.org")
        accounts.add_mailbox("alice@example.org", "{X}hash")
    return host


def test_a_first_mailbox_that_does_not_exist_is_not_created_by_a_typo(tmp_path: Path) -> None:
    host = set_up(tmp_path)
    options = parser.parse(["set", "address=alcie@example.org"])
    assert options is not None
    with pytest.raises(WrongUsage) as refused:
        parser.run(host, options)
    assert str(refused.value) == (
        "there is no mailbox alcie@example.org: create it first with 'smallmail user add alcie@example.org'")
    assert "alice@example.org" in host.text(fields.PATH)


@pytest.mark.parametrize("answer", ["", "n", "y"])
def test_who_sits_at_a_terminal_is_asked(
        tmp_path: Path, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = set_up(tmp_path, "certificate = letsencrypt\n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    monkeypatch.setattr(points_here, "obstacle", lambda name: f"DNS does not know {name}")
    applied: list[str] = []
    monkeypatch.setattr(set_.apply, "apply", lambda host, settings, asked, inputs: applied.append(asked) or NOTHING)
    options = parser.parse(["set", "address=alcie@example.org", "hostname=mx2.example.org"])
    assert options is not None
    assert parser.run(host, options) == (0 if answer == "y" else 1)
    said = capsys.readouterr().err
    assert "There is no mailbox alcie@example.org: it will be created" in said
    assert "mx2.example.org warn their users: DNS does not know mx2.example.org." in said
    assert len(applied) == (answer == "y")


# A setting that was wrong before; what is typed; is that the mistake?; the sentence.
CONTRADICTIONS = [
    ("", "certificate=files", True, "certificate: 'files' needs certificate-file and key-file"),
    ("", "relay-username=bob", True, "relay-username and relay-password belong together"),
    ("", "quota=1M message-size-limit=2M", True, "quota: 1M is smaller than one message of message-size-limit (2M)"),
    ("", "address=alice@example.net", True, "address: alice@example.net is not in a domain of this host"),
    ("certificate = files\n", "quota=1G", False, "certificate: 'files' needs certificate-file and key-file"),
    ("greylisting = maybe\n", "quota=1G", False, "greylisting: 'maybe' must be yes or no"),
]


@pytest.mark.parametrize("before, words, is_typed, sentence", CONTRADICTIONS)
def test_a_contradiction_is_wrong_usage_if_it_was_typed(
    before: str, words: str, is_typed: bool, sentence: str, tmp_path: Path
) -> None:
    text = f"hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n{before}"
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / fields.PATH).write_text(text)
    options = parser.parse(["set", *words.split()])
    assert options is not None
    with pytest.raises(Problem) as refused:
        parser.run(Host(str(tmp_path)), options)
    assert refused.type is (WrongUsage if is_typed else Problem)
    assert str(refused.value).startswith(sentence)
    assert (tmp_path / fields.PATH).read_text() == text
