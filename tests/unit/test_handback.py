"""What is remembered of a host that was handed back."""

from __future__ import annotations

from collections import OrderedDict

from smallmail import handback, record, tree
from smallmail.record import Entry, Record
from smallmail.tree import File, Tree


def file(text: str) -> File:
    return File(text.encode(), 0o644, "root", "root")


def test_what_somebody_changed_or_took_away_is_remembered_and_nothing_else() -> None:
    ours = record.fingerprint(file("ours"))
    entries = {
        "files": {
            "etc/a": Entry(None, ours), "etc/b": Entry(None, ours), "etc/gone": Entry(None, ours),
            "etc/theirs": Entry(record.file_to_json(file("theirs")), ours), "etc/back": Entry(None, None),
        },
        "parameters": {"kept": Entry("old", "ours"), "changed": Entry("old", "ours"), "cleared": Entry("old", "ours")},
        "services": {},
    }  # fmt: skip
    now = Tree(OrderedDict([("etc/a", file("ours")), ("etc/b", file("mine")), ("etc/theirs", file("theirs"))]),
               OrderedDict([("kept", "ours"), ("changed", "mine")]), OrderedDict())  # fmt: skip
    left = handback._left(Record(entries, {"etc/postfix/main.cf": None}, {"postfix": "3.10"}), now)
    assert {kind: list(names) for kind, names in left.entries.items()} == {
        "files": ["etc/b", "etc/gone"], "parameters": ["changed", "cleared"], "services": []}  # fmt: skip
    assert not left.originals
    assert not left.versions


def test_nothing_to_remember_is_no_record() -> None:
    assert handback._as_file(record.empty()) is None
    assert handback._left(record.empty(), tree.empty()).entries["files"] == {}


def test_comments_are_counted() -> None:
    assert not handback._comments("# a\n x = 1\n#b\n") - handback._comments("#b\n # a\n# a\n")
    assert handback._comments("# a\n# a\n") - handback._comments("# a\n")
