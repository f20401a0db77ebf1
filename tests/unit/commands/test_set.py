"""`smallmail set`: what is refused before anything is looked at or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.commands.arguments import parser
from smallmail.errors import Problem, WrongUsage
from smallmail.machine.host import Host
from smallmail.settings import fields


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
