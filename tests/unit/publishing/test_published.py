"""Which records are ours is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.publishing import published
from smallmail.publishing.dns_plan import Entry

MX = Entry("example.com", "MX", "10 mx.example.com.")


def test_the_note_on_what_is_ours(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    host.directory(state.FOLDER)
    assert published.load(host) == {}
    owned = {MX: "example.com", Entry("example.com", "TXT", "v=spf1 \u2026"): "example.com"}
    published.save(host, owned)
    assert published.load(host) == owned
    path = tmp_path / state.PUBLISHED
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_ino
    published.save(host, dict(reversed(owned.items())))
    assert path.stat().st_ino == before, "no news"


@pytest.mark.parametrize("text", ["{", "null", '{"name": "x"}', '[{"name": "x"}]', "[1]",
                                  '[{"zone": "z", "name": "n", "type": "A", "value": "v"}, {"name": "x"}]'])
def test_a_note_that_somebody_has_edited_makes_nothing_ours(tmp_path: Path, text: str) -> None:
    host = Host(str(tmp_path))
    host.write(state.PUBLISHED, File(text.encode(), 0o600, "root", "root"))
    assert published.load(host) == {}
