"""`smallmail history`: times are told as everywhere, in UTC, whatever the host's time zone is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smallmail.commands.arguments import parser
from smallmail.errors import WrongUsage
from smallmail.machine.host import Host
from tests.unit.configuration.test_history import applied, wanted


def typed(host: Host, *words: str) -> int:
    options = parser.parse(["history", *words])
    assert options is not None
    return parser.run(host, options)


def test_when_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(str(tmp_path))
    monkeypatch.setattr(time, "time", lambda: 1795651499.0)
    applied(host, "smallmail set quota=1M (bob)", "quota = 1M\n", wanted())
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert typed(host) == 0
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert capsys.readouterr().out.startswith("   1  2026-11-26 00:04 UTC  smallmail set quota=1M (bob)\n")


def test_a_host_without_a_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(Host(str(tmp_path))) == 0
    assert capsys.readouterr().out == "Nothing was applied yet.\n"
    with pytest.raises(WrongUsage, match="configuration 12 is not kept: 'smallmail history' lists those that are"):
        typed(Host(str(tmp_path)), "12")
