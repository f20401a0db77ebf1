"""The plan's table of three states, as a table."""
import pytest

from smallmail.configuration import plan, record, tree
from smallmail.configuration.plan import CONFLICT, EDITED, GIVE_BACK, SET
from smallmail.configuration.record import Entry
from smallmail.machine.file import File

PATH = "etc/dovecot/conf.d/95-smallmail.conf"


def file(text):
    return None if text is None else File(text.encode(), 0o644, "root", "root")


def plan_for(kind, name, written, now, wanted, before=None, taken_over=()):
    make = file if kind == "files" else lambda text: text
    trees = []
    for thing in (wanted, now):
        made = tree.empty()
        if thing is not None:
            record.things(made, kind)[name] = make(thing)
        trees.append(made)
    known = record.empty()
    if written is not None:
        known.entries[kind][name] = Entry(record.file_to_json(make(before)) if kind == "files" else before,
                                          record.fingerprint(make(written)))
    return plan.changes(trees[0], known, trees[1], taken_over)


@pytest.mark.parametrize("written, now, wanted, action", [
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
@pytest.mark.parametrize("kind, name", [("files", PATH), ("parameters", "myhostname"), ("services", "smtp/inet")])
def test_three_states(kind, name, written, now, wanted, action):
    found = plan_for(kind, name, written, now, wanted)
    assert [change.action for change in found] == ([action] if action else [])


def test_what_stood_there_before_us_is_a_conflict_unless_it_is_shared():
    assert plan_for("files", PATH, None, "x", "w")[0].action == CONFLICT
    assert plan_for("files", PATH, None, "x", "w", taken_over={PATH})[0].action == SET
    assert plan_for("files", "etc/mailname", None, "x", "w")[0].action == SET
    assert plan_for("parameters", "myhostname", None, "x", "w")[0].action == SET


def test_giving_back_brings_what_stood_there_before():
    assert plan_for("parameters", "myhostname", "l", "l", None, before="old")[0].wanted == "old"
    assert plan_for("files", PATH, "l", "l", None, before="old")[0].wanted.content == b"old"
    assert plan_for("files", PATH, "l", "l", None)[0].wanted is None


@pytest.mark.parametrize("written, now, wanted, action", [
    (None, "x", tree.OFF, SET),
    (None, None, tree.OFF, None),
    (tree.OFF, None, tree.OFF, None),
    (tree.OFF, "x", tree.OFF, EDITED),
    (tree.OFF, None, None, GIVE_BACK),
    (tree.OFF, "x", None, CONFLICT),
])
def test_a_service_that_is_not_to_be_there(written, now, wanted, action):
    found = plan_for("services", "465/inet", written, now, wanted, before="theirs")
    assert [change.action for change in found] == ([action] if action else [])
    if action == SET:
        assert plan.describe(found[0]) == "master.cf: 465/inet: remove"
        assert list(plan.diff(found[0])) == ["  -x"]
    if action == GIVE_BACK:
        assert found[0].wanted == "theirs"


def test_a_parameter_that_is_to_be_empty_is_no_absent_one():
    change, = plan_for("parameters", "alias_maps", None, None, "")
    assert (change.action, plan.describe(change)) == (SET, "main.cf: alias_maps: make")
    assert list(plan.diff(change)) == ["  +alias_maps = "]


def test_a_diff_never_shows_a_secret():
    for path in plan.SECRET_FILES:
        text = "\n".join(plan.diff(plan_for("files", path, "old-s3cret", "old-s3cret", "new-s3cret")[0]))
        assert "s3cret" not in text


def test_a_record_survives_its_text():
    known = record.empty()
    known.entries["files"][PATH] = Entry(record.file_to_json(file("old\xff")), "abc")
    known.entries["parameters"]["myhostname"] = Entry(None, "x")
    known.originals["etc/postfix/main.cf"] = None
    again = record.loads(record.dumps(known))
    assert again == known
    assert record.file_from_json(again.entries["files"][PATH].before) == file("old\xff")
