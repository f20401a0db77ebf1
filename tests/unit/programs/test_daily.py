"""The daily check: when a letter is sent, and what is remembered of it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from smallmail.check import run
from smallmail.configuration import in_force
from smallmail.errors import Problem
from smallmail.findings import Group
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.programs import daily

ONE = Group("host").problem("one", "why", ["type"])


class Postbox(Host):
    """A host on which nothing runs; what it is told to run is kept."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.sent: list[str] = []
        self.down = False

    def run(self, command: list[str], text: str = "", seconds: int = 0) -> str:
        if self.down:
            raise Problem("sendmail failed")
        self.sent.append(text)
        return ""


def test_what_cannot_be_sent_today_is_sent_tomorrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Postbox(str(tmp_path))
    found = [ONE]
    monkeypatch.setattr(in_force, "load_or_last", lambda _: argparse.Namespace(hostname="mx.example.org"))
    monkeypatch.setattr(run, "findings", lambda *_: found)
    host.down = True
    with pytest.raises(Problem):
        daily.daily(host, [])
    host.down = False
    daily.daily(host, [])
    daily.daily(host, [])
    assert [each.splitlines()[1] for each in host.sent] == ["Subject: mx.example.org: one"]
    kept = host.file(state.CHECK)
    assert kept and (kept.mode, json.loads(kept.content.decode())) == (0o600, [["host", "one"]])
    found.clear()
    (tmp_path / state.CHECK).write_text("{not json")     # forgotten: nothing is known to be gone
    daily.daily(host, [])
    assert len(host.sent) == 1
