"""`smallmail set`: what is refused before anything is looked at or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.commands.arguments import parser
from smallmail.errors import WrongUsage
from smallmail.machine.host import Host


@pytest.mark.parametrize("words, sentence", [
    ("greylisting", "'greylisting' is not KEY=VALUE: type 'smallmail set greylisting=…'"),
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
