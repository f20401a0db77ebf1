"""/usr/lib/smallmail/run: one word chooses the program."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import List  # the type as the source spells it, which is not list

import pytest

import smallmail
from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.programs import __main__ as programs, daily

SOURCE = Path(__file__).parents[3]
PACKAGE = Path(smallmail.__file__).parent  # the installed one, if debian/tests/unit runs this


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["--help"], ["smallmail.acme", "deploy"]])
def test_no_name_or_an_unknown_one_is_a_wrong_usage(arguments: list[str]) -> None:
    command = [sys.executable, "-B", str(SOURCE / "libexec/run"), *arguments]
    done = subprocess.run(command, cwd=SOURCE, env={"PYTHONPATH": str(PACKAGE.parent)}, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    words = ("configure|arrive|triggered|remove|ready|folders|certificate|dkim|check|backup|learn|bans|packets|limits"
             "|alarms|peer|deploy")
    assert done.stderr == f"usage: run {words} [ARGUMENT...]\n"


@pytest.mark.parametrize("name", list(programs.PROGRAMS))
def test_each_name_has_its_function(name: str) -> None:
    program = programs.PROGRAMS[name]
    module = importlib.import_module(f"smallmail.programs.{program.module}")
    assert callable(getattr(module, program.function))


def test_every_program_has_a_name() -> None:
    """A function of this room that takes the host and arguments is a program."""
    found = set()
    for path in (PACKAGE / "programs").glob("[!_]*.py"):
        module = importlib.import_module(f"smallmail.programs.{path.stem}")
        for name, value in vars(module).items():
            if callable(value) and list(getattr(value, "__annotations__", {}).values()) == [Host, List[str], int]:
                found.add((path.stem, name))
    assert found == {(program.module, program.function) for program in programs.PROGRAMS.values()}


def test_the_program_gets_the_rest_of_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []

    def double(host: Host, arguments: list[str]) -> int:
        given.append(arguments)
        return 3

    monkeypatch.setattr(daily, "daily", double)
    assert programs.main(["check", "one", "two"]) == 3
    assert given == [["one", "two"]]


def test_an_error_is_a_sentence_that_names_the_speaker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(host: Host, arguments: list[str]) -> int:
        raise Problem("the disk is full")

    monkeypatch.setattr(daily, "daily", fails)
    assert programs.main(["check"]) == 1
    assert capsys.readouterr().err == "smallmail: the disk is full\n"
