"""A daemon is asked about its own configuration only, and its message is about the live files."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.daemons import judge
from smallmail.daemons.daemon import UNKNOWN
from smallmail.machine.file import File
from smallmail.machine.host import Failed, Host


def refuse(stage: Host) -> None:
    raise Failed("in line 7 of " + stage.path("etc/x/x.conf"))


def test_the_message_names_the_live_file(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    host.write("etc/x/x.conf", File(b"", 0o644, "root", "root"))
    daemon = UNKNOWN._replace(name="x", folders=("etc/x",), judge=refuse)
    message = "^in line 7 of /etc/x/x.conf$"
    with host.stage(daemon.folders) as stage, pytest.raises(judge.Refused, match=message) as refusal:
        judge.judge(stage, daemon)
    assert refusal.value.daemon == daemon


def test_a_daemon_without_configuration_is_not_asked(tmp_path: Path) -> None:
    stage = Host(str(tmp_path))
    judge.judge(stage, UNKNOWN._replace(name="x", folders=("etc/x",), judge=refuse))
    judge.judge(stage, UNKNOWN._replace(name="x", judge=refuse))
