"""`smallmail show`: all settings or those that are named, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.commands.arguments import parser
from smallmail.errors import WrongUsage
from smallmail.machine.host import Host
from smallmail.settings import fields


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / fields.PATH).write_text(
        "hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n"
        "relayhost = [smtp.example.net]:587\nrelay-username = bob\nrelay-password = s3cret\n")
    return Host(str(tmp_path))


def shown(host: Host, *names: str) -> int:
    options = parser.parse(["show", *names])
    assert options is not None
    return parser.run(host, options)


def test_those_that_are_named(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(host, "quota", "hostname") == 0
    assert capsys.readouterr().out == "quota = 0\nhostname = mx.example.org\n"


def test_all_of_them_without_the_secrets(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(host) == 0
    told = capsys.readouterr().out
    assert [line.split(" =")[0] for line in told.splitlines()] == list(fields.FIELDS)
    assert "relay-password = (set; not shown)\n" in told and "s3cret" not in told
    assert "\nrspamd-password =\n" in told


def test_an_unknown_one_is_wrong_usage(host: Host) -> None:
    with pytest.raises(WrongUsage, match="there is no setting 'hostnam'; did you mean 'hostname'?"):
        shown(host, "hostnam")
