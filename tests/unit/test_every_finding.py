"""Every finding that the code can make: its commands can be typed as they stand. No place that makes one is missed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import smallmail
from smallmail import findings
from smallmail.commands.arguments import parser
from smallmail.errors import WrongUsage
from smallmail.findings import PROBLEM, Finding
from smallmail.machine import addresses
from tests.unit import every_finding

PACKAGE = Path(smallmail.__file__).parent  # debian/tests looks at the installed one

# What a host with smallmail has: from the packages that it depends on, coreutils, systemd, apt, dpkg and the shell; nft
# is named only where it has just answered.
KNOWN = {"apt", "chmod", "chown", "doveconf", "dpkg", "du", "echo", "free", "grep", "hostnamectl", "journalctl", "nft",
         "postconf", "postqueue", "smallmail", "sort", "ss", "systemctl", "systemd-analyze", "tail"}


def sites() -> set[tuple[str, int, int]]:
    """Every place in smallmail/ where a finding is made: its file, and its first and last line."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("problem", "note", "unknown"):
                    found.add((str(path), node.lineno, node.end_lineno or node.lineno))
    return found


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[list[Finding], set[tuple[str, int]]]]:
    """All findings, and the places that made them."""
    made, places, real = [], set(), Finding

    def make(*values: Any) -> Finding:
        frame: FrameType = sys._getframe(2)
        places.add((frame.f_code.co_filename, frame.f_lineno))
        made.append(real(*values))
        return made[-1]

    monkeypatch.setattr(findings, "Finding", make)
    monkeypatch.setattr(addresses, "public", list)
    for found in every_finding.of_all(monkeypatch, tmp_path):
        list(found)
    yield made, places


def test_every_finding(everything: tuple[list[Finding], set[tuple[str, int]]]) -> None:
    made, places = everything
    missed = [site for site in sites() if not any(
        file == site[0] and site[1] <= line <= site[2] for file, line in places)]
    assert len(sites()) > 70
    assert not missed, "add what makes these to every_finding.py"
    wrong = {(command, why) for finding in made for command in finding.commands if (why := trouble(command))}
    assert not wrong
    for finding in made:
        assert finding.what and finding.what == finding.what.strip() and not finding.what.endswith("."), finding
        assert not finding.advice or finding.advice.endswith((".", ":", "/tcp")), finding
        assert all(" IN " in record and "\n" not in record for record in finding.records), finding
        if finding.severity == PROBLEM:
            assert finding.why and (finding.commands or finding.records or finding.advice), finding


def trouble(command: str) -> str:
    """Why that cannot be typed as it stands; empty when it can."""
    done = subprocess.run(["sh", "-n"], input=command, capture_output=True, encoding="utf-8", check=False)
    words = command.split()
    if done.returncode:
        return f"no shell accepts it: {done.stderr}"
    if "\n" in command or any(part.split()[0] not in KNOWN for part in command.split("|")):
        return "it begins with something that is not a program, or not on every host"
    if any(word.strip("[]<>").isupper() and len(word) > 2 for word in words):
        return "there is a placeholder in it"
    if words[0] == "smallmail":
        try:
            parser.parse(words[1:])
        except WrongUsage:
            return "smallmail does not accept it"
    return ""


@pytest.mark.parametrize("command", [
    "'smallmail certificate status' says more", "type 'systemctl reload postfix'", "smallmail frobnicate",
    "smallmail alias add a@example.org ADDRESS", "apt install 'x", "once the reason is gone: postqueue -f"])
def test_what_cannot_be_typed_is_noticed(command: str) -> None:
    assert trouble(command)
