"""What every verb must have: a page that fits, examples that can be typed, and a function that does the work."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from smallmail.commands import manual, verbs
from smallmail.commands.arguments import parser
from smallmail.commands.arguments.parser import Parser

# A line is longer than this only where a single word is.
COLUMNS = 80


def children(above: Parser) -> dict[str, Parser]:
    actions = [action for action in above._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: child for action in actions for name, child in action.choices.items()}


def pages() -> Iterator[tuple[str, Parser]]:
    for word, page in children(parser.build(manual.all_modules())).items():
        inner = children(page)
        yield from ((f"{word} {action}", child) for action, child in inner.items()) if inner else [(word, page)]


PAGES = dict(pages())


def test_the_table_names_what_there_is() -> None:
    words = {word for word, _, _, actions in verbs.VERBS if not actions}
    assert {page for page in PAGES if " " not in page} == words
    for word, _, _, actions in verbs.VERBS:
        assert tuple(page.split()[1] for page in PAGES if page.startswith(f"{word} ")) == actions


@pytest.mark.parametrize("verb", PAGES)
def test_a_page_fits_on_a_screen_and_keeps_words_whole(verb: str) -> None:
    lines = PAGES[verb].format_help().splitlines()
    assert all(len(line) <= COLUMNS for line in lines)
    words = PAGES[verb].description.split()
    told = " ".join(" ".join(lines).split())
    assert " ".join(words) in told


@pytest.mark.parametrize("verb", PAGES)
def test_examples_can_be_typed(verb: str) -> None:
    examples = [line.strip() for line in PAGES[verb].epilog.splitlines()[1:]]
    assert examples
    for example in examples:
        assert example.startswith(f"smallmail {verb}")
        assert parser.parse(example.split()[1:]) is not None


@pytest.mark.parametrize("verb", PAGES)
def test_somebody_does_the_work(verb: str) -> None:
    assert callable(parser.work(PAGES[verb].get_default("work")))
