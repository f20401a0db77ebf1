"""A host with the daemon's folder, and a ban."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smallmail.bans.book import Ban
from smallmail.machine import state, state_files
from smallmail.machine.host import Host

NOW = 1_700_000_000
BAN = Ban("203.0.113.66", NOW, NOW + 3600, 1, ["root"], 10)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path))
    state_files.make_folder(made, state.BANS)
    return made


def put(host: Host, value: object) -> None:
    """Let the daemon's list be that value, or that text."""
    Path(host.path(state.BANS_LIST)).write_text(value if isinstance(value, str) else json.dumps(value))
