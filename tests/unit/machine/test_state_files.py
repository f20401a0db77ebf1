"""State is written whole and with its permissions, and what is damaged or edited means: begin anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail.machine import state, state_files
from smallmail.machine.host import Host

DEFAULT = {"asked": None, "failures": 0, "next": 0.0, "reason": "", "late": []}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(str(tmp_path))


def write(host: Host, text: str) -> None:
    Path(host.path(state.FOLDER)).mkdir(parents=True, exist_ok=True)
    Path(host.path(state.CHECK)).write_text(text, "utf-8")


def test_what_was_saved_is_loaded(host: Host) -> None:
    value = {**DEFAULT, "failures": 3, "next": 1e9, "late": ["ns.example.net"]}
    state_files.save_json(host, state.CHECK, value)
    assert state_files.load_json(host, state.CHECK, DEFAULT) == value
    assert os.stat(host.path(state.CHECK)).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [
    "", "{", "\x00" * 40, '{"failures": ', "[]", "null", "7", '"text"', '{"failures": "three"}', '{"late": {}}',
    '{"next": "soon"}', '{"reason": null}',
])  # fmt: skip
def test_damage_means_begin_anew(host: Host, text: str) -> None:
    write(host, text)
    found = state_files.load_json(host, state.CHECK, DEFAULT)
    assert found == DEFAULT
    found["late"].append("x")
    assert DEFAULT["late"] == [], "a copy"


def test_what_does_not_exist_is_the_default(host: Host) -> None:
    assert state_files.load_json(host, state.CHECK, []) == []
    assert state_files.load_json(host, state.CHECK, DEFAULT) == DEFAULT


def test_a_list_is_not_taken_for_a_dictionary(host: Host) -> None:
    write(host, '{"a": 1}')
    assert state_files.load_json(host, state.CHECK, []) == []


def test_an_older_file_gets_the_keys_that_it_lacks(host: Host) -> None:
    write(host, '{"failures": 2, "next": 5, "asked": {"hostname": "mx.example.org"}}')
    assert state_files.load_json(host, state.CHECK, DEFAULT) == {
        **DEFAULT, "failures": 2, "next": 5, "asked": {"hostname": "mx.example.org"}}  # fmt: skip


def test_the_same_again_writes_nothing_but_mends_the_permissions(host: Host) -> None:
    if os.geteuid() != 0:
        pytest.skip("another user's files have another owner than the table's")
    state_files.save_json(host, state.CHECK, [1])
    before = os.stat(host.path(state.CHECK)).st_ino
    state_files.save_json(host, state.CHECK, [1])
    assert os.stat(host.path(state.CHECK)).st_ino == before
    os.chmod(host.path(state.CHECK), 0o644)
    state_files.save_json(host, state.CHECK, [1])
    assert os.stat(host.path(state.CHECK)).st_mode & 0o777 == 0o600


def test_a_write_that_is_cut_off_leaves_the_old_file(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    state_files.save_json(host, state.CHECK, ["old"])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        state_files.save_json(host, state.CHECK, ["new"])
    assert state_files.load_json(host, state.CHECK, []) == ["old"]
