"""The plan's table of three states, as a table."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from smallmail.configuration import plan, record, tree
from smallmail.configuration.plan import CONFLICT, EDITED, GIVE_BACK, SET, Change
from smallmail.configuration.record import Entry
from smallmail.errors import WrongUsage
from smallmail.machine.file import File

PATH = "etc/dovecot/conf.d/95-smallmail.conf"


def file(text: str | None, mode: int = 0o644) -> File | None:
    return None if text is None else File(text.encode(), mode, "root", "root")


def plan_for(kind: str, name: str, written: str | None, now: str | None, wanted: str | None,
             before: str | None = None, taken_over: Iterable[str] = ()) -> list[Change]:
    def make(text: str | None) -> File | str | None:
        return file(text) if kind == "files" else text

    trees = []
    for text in (wanted, now):
        trees.append(tree.empty())
        if text is not None:
            record.things(trees[-1], kind)[name] = make(text)
    recorded = record.empty()
    if written is not None:
        recorded.entries[kind][name] = Entry(record.file_to_json(file(before)) if kind == "files" else before,
                                             record.fingerprint(make(written)))
    return plan.changes(trees[0], recorded, trees[1], taken_over)


@pytest.mark.parametrize(("written", "now", "wanted", "action"), [
    (None, None, "w", SET),
    (None, "w", "w", None),
    ("l", "l", "w", SET),
    ("l", "l", "l", None),
    ("l", "w", "w", None),
    ("l", "l", None, GIVE_BACK),
    ("l", "x", "l", EDITED),
    ("l", None, "l", EDITED),
    ("l", "x", "w", CONFLICT),
    ("l", "x", None, CONFLICT),
    ("l", None, None, None),
])
@pytest.mark.parametrize(("kind", "name"), [("files", PATH), ("parameters", "myhostname"), ("services", "smtp/inet")])
def test_three_states(
        kind: str, name: str, written: str | None, now: str | None, wanted: str | None, action: str | None) -> None:
    changes = plan_for(kind, name, written, now, wanted)
    assert [change.action for change in changes] == ([action] if action else [])


def test_what_stood_there_before_us_is_a_conflict_unless_it_is_shared() -> None:
    assert plan_for("files", PATH, None, "x", "w")[0].action == CONFLICT
    assert plan_for("files", PATH, None, "x", "w", taken_over={PATH})[0].action == SET
    assert plan_for("files", "etc/mailname", None, "x", "w")[0].action == SET
    assert plan_for("parameters", "myhostname", None, "x", "w")[0].action == SET


def test_giving_back_brings_what_stood_there_before() -> None:
    assert plan_for("parameters", "myhostname", "l", "l", None, before="old")[0].wanted == "old"
    assert plan_for("files", PATH, "l", "l", None, before="old")[0].wanted.content == b"old"
    assert plan_for("files", PATH, "l", "l", None)[0].wanted is None


@pytest.mark.parametrize(("written", "now", "wanted", "action"), [
    (None, "x", tree.OFF, SET),
    (None, None, tree.OFF, None),
    (tree.OFF, None, tree.OFF, None),
    (tree.OFF, "x", tree.OFF, EDITED),
    (tree.OFF, None, None, GIVE_BACK),
    (tree.OFF, "x", None, CONFLICT),
])
def test_a_service_that_is_not_to_be_there(
        written: str | None, now: str | None, wanted: str | None, action: str | None) -> None:
    changes = plan_for("services", "465/inet", written, now, wanted, before="theirs")
    assert [change.action for change in changes] == ([action] if action else [])
    if action == SET:
        assert plan.describe(changes[0]) == "master.cf: 465/inet: remove"
        assert list(plan.diff(changes[0])) == ["  -x"]
    if action == GIVE_BACK:
        assert changes[0].wanted == "theirs"


def test_a_parameter_that_is_to_be_empty_is_no_absent_one() -> None:
    change, = plan_for("parameters", "alias_maps", None, None, "")
    assert (change.action, plan.describe(change)) == (SET, "main.cf: alias_maps: create")
    assert list(plan.diff(change)) == ["  +alias_maps = "]


@pytest.mark.parametrize("path", ["etc/postfix/smallmail/relay-password", "etc/rspamd/local.d/worker-controller.inc"])
def test_a_diff_never_shows_a_secret(path: str) -> None:
    text = "\n".join(plan.diff(plan_for("files", path, "old-s3cret", "old-s3cret", "new-s3cret")[0]))
    assert "s3cret" not in text


@pytest.mark.parametrize(("now", "wanted"), [(0o640, None), (0o600, 0o644), (0o644, 0o400), (None, 0o600)])
def test_what_not_everybody_may_read_is_a_secret(now: int | None, wanted: int | None) -> None:
    before, after = (file("s3cret" + str(mode), mode) if mode else None for mode in (now, wanted))
    assert list(plan.diff(Change("files", PATH, SET, before, after))) == ["  (not shown: it contains a secret)"]


def test_only_what_was_changed_by_hand_can_be_replaced() -> None:
    with pytest.raises(WrongUsage, match="'relayhost' was not changed by hand: 'smallmail plan' lists what was"):
        plan.changes(tree.empty(), record.empty(), tree.empty(), replace=["relayhost"])
