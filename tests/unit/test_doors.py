"""The doors of the rooms: what a room offers is collected. A merge that loses a line of a collector is found here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail import wanted_records
from smallmail.commands import verbs
from smallmail.configuration import hand_back, prepare

PACKAGE = Path(__file__).parents[2] / "smallmail"

# A function with this name and these arguments is a door, and must be in the tuple. (check/test_run.py looks after the
# door `findings`, machine/test_state.py after the table of state files.)
DOORS = {
    ("records", ("host", "settings")): wanted_records.NEEDED + wanted_records.USEFUL,
    ("prepare", ("host", "settings")): prepare.PREPARE,
    ("hand_back", ("host",)): hand_back.HAND_BACK,
}


def doors(name: str, arguments: tuple[str, ...]) -> Iterator[str]:
    """The modules that have such a function."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                given = tuple(argument.arg for argument in node.args.args)
                if len(given) == len(arguments) and set(given) <= {*arguments, "_"}:
                    yield ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door[0])
def test_every_door_is_collected(door: tuple[str, tuple[str, ...]]) -> None:
    collected = {function.__module__ for function in DOORS[door]}
    offered = set(doors(*door)) - {hand_back.__name__}    # that one is the collector
    assert offered
    assert offered <= collected, "a line is missing in the collector's tuple"


def test_every_module_with_arguments_has_a_verb() -> None:
    offered = set(doors("arguments", ("verbs",)))
    assert offered
    assert offered == {verbs.module(word) for word, *_ in verbs.VERBS}
