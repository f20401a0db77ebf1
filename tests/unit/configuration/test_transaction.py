"""A swap is whole or not at all, wherever it is cut off."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smallmail.configuration import transaction
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host


def file(text: str, mode: int = 0o644) -> File:
    return File(text.encode(), mode, "root", "root")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path))
    made.write("etc/a", file("old a", 0o640))
    made.write("etc/gone", file("old gone"))
    return made


NEW: dict[str, File | None] = {"etc/a": file("new a", 0o640), "etc/b": file("new b"), "etc/gone": None}


def contents(host: Host) -> dict[str, str]:
    return {name: host.text("etc/" + name) for name in sorted(os.listdir(host.path("etc")))}


def test_commit_keeps_the_new_files(host: Host) -> None:
    transaction.swap(host, NEW)
    transaction.commit(host)
    assert contents(host) == {"a": "new a", "b": "new b"}
    assert not transaction.undo(host)
    assert contents(host) == {"a": "new a", "b": "new b"}


def test_undo_brings_back_the_old_ones_with_their_modes(host: Host) -> None:
    transaction.swap(host, NEW)
    assert transaction.undo(host)
    assert contents(host) == {"a": "old a", "gone": "old gone"}
    assert host.file("etc/a").mode == 0o640


@pytest.mark.parametrize("cut_after", range(8))
def test_cut_off_anywhere_the_next_one_finds_old_or_new(
        host: Host, monkeypatch: pytest.MonkeyPatch, cut_after: int) -> None:
    """Die at each rename and unlink in turn, as kill -9 would."""
    class Cut(BaseException):
        pass

    steps: list[tuple[Any, ...]] = []
    for name in ("rename", "unlink"):
        real = getattr(os, name)

        def counted(*arguments: Any, _real: Callable[..., None] = real, **folders: int) -> None:
            if str(arguments[-1]).endswith(".smallmail-new"):
                return _real(*arguments, **folders)
            if len(steps) == cut_after:
                raise Cut
            steps.append(arguments)
            return _real(*arguments, **folders)
        monkeypatch.setattr(os, name, counted)
    try:
        transaction.swap(host, NEW)
        transaction.commit(host)
    except Cut:
        pass
    monkeypatch.undo()
    transaction.undo(host)
    assert contents(host) in ({"a": "old a", "gone": "old gone"}, {"a": "new a", "b": "new b"})
    assert not host.exists(state.JOURNAL)


def test_a_file_changed_since_is_left_alone(host: Host) -> None:
    transaction.swap(host, NEW)
    host.write("etc/b", file("by the admin"))
    transaction.undo(host)
    assert contents(host) == {"a": "old a", "b": "by the admin", "gone": "old gone"}


def test_a_link_comes_back_too_and_nothing_unfinished_stays(host: Host) -> None:
    host.point("etc/link", "first")
    transaction.swap(host, NEW, {"etc/link": "second", "etc/new-link": "second"})
    assert (host.link("etc/link"), host.link("etc/new-link")) == ("second", "second")
    host.write("etc/.b.smallmail-new", file("cut off while it was written"))
    transaction.undo(host)
    assert (host.link("etc/link"), host.link("etc/new-link")) == ("first", None)
    host.remove("etc/link")
    assert contents(host) == {"a": "old a", "gone": "old gone"}
