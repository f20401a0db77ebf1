"""The linters, as tests. tests/lab/setup.sh installs them; one that is missing skips."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
SHIMS = sorted(map(str, SOURCE.glob("debian/smallmail-server.p*")))

Tool = Callable[[str], str]     # conftest.py: where a program is; skips the test when it is nowhere


def run(*command: str, cwd: Path = SOURCE) -> str:
    """The command must be content; what it said."""
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} says:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def shell_scripts(tracked: list[Path]) -> list[str]:
    """Every file of ours that /bin/sh reads."""
    scripts = []
    for path in tracked:
        if path.is_file() and path.suffix not in (".j2", ".py"):
            first = path.open("rb").readline()
            if first.startswith((b"#!/bin/sh", b"#! /bin/sh")):
                scripts.append(str(path))
    return scripts


def test_ruff(tool: Tool) -> None:
    run(tool("ruff"), "check", "--no-cache", "--output-format=concise", ".")


def test_mypy(tool: Tool, tmp_path: Path) -> None:
    run(tool("mypy"), "--cache-dir", str(tmp_path))


def test_no_language_newer_than_python_3_5(tool: Tool) -> None:
    shipped = ["smallmail", "debian/smallmail", "libexec/run", *map(str, sorted(SOURCE.glob("share/**/*.py")))]
    building = ["setup.py", "debian/embed.py"]
    run(tool("vermin"), "-t=3.5-", "--no-tips", "--violations", *shipped, *building)


def test_shellcheck(tool: Tool, tracked: list[Path]) -> None:
    # SC1091: debconf's confmodule is somebody else's.
    run(tool("shellcheck"), "--exclude=SC1091", *shell_scripts(tracked))


def test_no_bashisms(tool: Tool, tracked: list[Path]) -> None:
    scripts = shell_scripts(tracked)
    assert set(SHIMS) <= set(scripts)
    assert len(scripts) > len(SHIMS)
    run(tool("checkbashisms"), *scripts)


def test_translations_are_up_to_date(tool: Tool, tmp_path: Path) -> None:
    update = tool("debconf-updatepo")
    copy = shutil.copytree(SOURCE / "debian", tmp_path / "debian")
    run(update, cwd=tmp_path)
    for path in sorted((SOURCE / "debian/po").iterdir()):
        assert without_date(copy / "po" / path.name) == without_date(path), f"run debconf-updatepo: {path.name} differs"


def without_date(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if "POT-Creation-Date" not in line]


@pytest.mark.parametrize("path", sorted((SOURCE / "debian/po").glob("*.po")), ids=lambda path: path.name)
def test_a_translation_is_whole(tool: Tool, path: Path) -> None:
    said = run(tool("msgfmt"), "--check", "--statistics", "--output-file=/dev/null", str(path))
    assert "fuzzy" not in said
    assert "untranslated" not in said
