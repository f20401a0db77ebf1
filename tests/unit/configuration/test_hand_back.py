"""What is remembered of a host that was handed back."""

from __future__ import annotations

from collections import OrderedDict

from smallmail.configuration import hand_back, record, tree
from smallmail.configuration.record import Entry, Record
from smallmail.configuration.tree import Tree
from smallmail.machine.file import File


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
    left = hand_back.remembered(Record(entries, {"etc/postfix/main.cf": None}, {"postfix": "3.10"}, {}), now)
    assert {kind: list(names) for kind, names in left.entries.items()} == {
        "files": ["etc/b", "etc/gone"], "parameters": ["changed", "cleared"], "services": []}  # fmt: skip
    assert not left.originals
    assert not left.versions


def test_nothing_to_remember_is_no_record() -> None:
    assert hand_back.as_file(record.empty()) is None
    assert hand_back.remembered(record.empty(), tree.empty()).entries["files"] == {}


def test_comments_are_counted() -> None:
    assert not hand_back.comments("# a\n x = 1\n#b\n") - hand_back.comments("#b\n # a\n# a\n")
    assert hand_back.comments("# a\n# a\n") - hand_back.comments("# a\n")
