"""The list of keys is checked before a field of it becomes a path or a line of Rspamd's configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smallmail.dkim import key_list
from smallmail.errors import Problem

GOOD: dict[str, Any] = {"domain": "xn--mller-kva.example", "selector": "dkim-ed25519-20261126-2", "kind": "ed25519",
                        "state": "next", "made": 1790000000.5, "left": 0, "public": "aGVsbG8=", "waiting": ["ns1"]}
HOSTILE: list[tuple[str, Any]] = [
    ("domain", "../../../etc/cron.d/x"), ("domain", "/etc"), ("domain", "a.example/../b"), ("domain", "a..example"),
    ("domain", 'a.example" { path = "/etc/shadow'), ("domain", "a.example\n"), ("domain", ""), ("domain", "."),
    ("domain", "A.example"), ("domain", "a" * 300), ("domain", ".example"), ("domain", None), ("domain", ["a.example"]),
    ("selector", "../x"), ("selector", "dkim.key/../../x"), ("selector", "dkim\n"), ("selector", ""), ("selector", 5),
    ("selector", "-x"), ("selector", 'x"; path = "/etc/shadow'), ("kind", "dsa"), ("kind", ["rsa"]), ("kind", None),
    ("state", "signing "), ("state", {}), ("made", "now"), ("made", -1), ("made", float("nan")), ("made", float("inf")),
    ("made", True), ("made", 10 ** 400), ("left", None), ("public", "p=;"), ("public", "a\nb"), ("public", "A" * 5000),
    ("public", 0), ("waiting", "ns1"), ("waiting", [1]), ("waiting", None)]


def text(**changed: object) -> str:
    return json.dumps([{**GOOD, **changed}])


def test_a_list_is_read_as_it_was_written() -> None:
    keys = key_list.loads(text(), "x")
    assert keys == [key_list.Key(**GOOD)]
    assert key_list.loads(json.dumps(key_list.dumps(keys)), "x") == keys
    assert key_list.loads("", "x") == key_list.loads("[]", "x") == []


@pytest.mark.parametrize(("field", "value"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_a_field_that_is_not_what_it_should_be_is_refused(field: str, value: object) -> None:
    with pytest.raises(Problem, match="/x cannot be read: restore it from a backup"):
        key_list.loads(text(**{field: value}), "x")


@pytest.mark.parametrize("hostile", [
    "{", "null", "5", '"x"', "{}", "[5]", "[[]]", "[{}]", '[{"domain": "a.example"}]', text(more="x"), "\0",
    "[" * 100000, '[{"a":' * 50000], ids=lambda hostile: hostile[:20])
def test_what_is_not_a_list_of_keys_is_refused(hostile: str) -> None:
    with pytest.raises(Problem, match="/x cannot be read"):
        key_list.loads(hostile, "x")


def test_two_keys_do_not_have_one_file() -> None:
    with pytest.raises(Problem, match="two keys of the same name"):
        key_list.loads(json.dumps([GOOD, {**GOOD, "kind": "rsa"}]), "x")
