"""What rooms and modules contribute is collected in tables. A line that is missing in such a table is found here."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import smallmail
from smallmail import wanted_records
from smallmail.commands import verbs
from smallmail.configuration import hand_back, prepare
from smallmail.daemons import table
from smallmail.daemons.daemon import UNKNOWN, Daemon

PACKAGE = Path(smallmail.__file__).parent  # the installed one, if debian/tests/unit runs this

# A function with this name and these arguments must be in the table. (check/test_run.py checks the table of functions
# `findings`, machine/test_state.py that of state files, programs/test_main.py that of programs.)
TABLES = {
    ("records", ("host", "settings")): wanted_records.NEEDED + wanted_records.USEFUL,
    ("prepare", ("host", "settings")): prepare.PREPARE,
    ("hand_back", ("host",)): hand_back.HAND_BACK,
}


def contributors(name: str, arguments: tuple[str, ...]) -> Iterator[str]:
    """The modules that have such a function."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                given = tuple(argument.arg for argument in node.args.args)
                if len(given) == len(arguments) and set(given) <= {*arguments, "_"}:
                    yield ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


@pytest.mark.parametrize("function", TABLES, ids=lambda function: function[0])
def test_every_function_of_that_name_is_in_its_table(function: tuple[str, tuple[str, ...]]) -> None:
    collected = {member.__module__ for member in TABLES[function]}
    contributing = set(contributors(*function)) - {hand_back.__name__}    # that one has the table
    assert contributing
    assert contributing <= collected, "a line is missing in the table"


def test_every_module_with_arguments_has_a_verb() -> None:
    contributing = set(contributors("arguments", ("verbs",)))
    assert contributing
    assert contributing == {verbs.module(word) for word, *_ in verbs.VERBS}


def test_every_daemon_is_in_the_table() -> None:
    modules = [importlib.import_module("smallmail.daemons." + path.stem) for path in PACKAGE.glob("daemons/[!_]*.py")]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Daemon)]
    assert len(found) > len(table.ALL)
    assert all(value in table.ALL for value in found if value != UNKNOWN), "a line is missing in daemons/table.ALL"
