"""The record survives its text, and tells what it must after a change."""

from __future__ import annotations

import pytest

from smallmail.configuration import effects, record
from smallmail.configuration.record import Entry, Record
from smallmail.configuration.tree import Tree
from smallmail.errors import Problem
from smallmail.machine.file import File
from smallmail.resources import Resources

PATH = "etc/dovecot/conf.d/95-smallmail.conf"


def file(text: str) -> File:
    return File(text.encode(), 0o644, "root", "root")


def test_a_record_survives_its_text() -> None:
    recorded = record.empty()
    recorded.entries["files"][PATH] = Entry(record.file_to_json(file("old\xff")), "abc")
    recorded.entries["parameters"]["myhostname"] = Entry(None, "x")
    recorded.originals["etc/postfix/main.cf"] = None
    recorded.made_for["dovecot"] = Resources(512, 1, ipv6=True)
    again = record.loads(record.dumps(recorded))
    assert again == recorded
    assert record.file_from_json(again.entries["files"][PATH].before) == file("old\xff")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"entries": {}}', '{"entries": {"files": {"a": 1}}}'])
def test_a_damaged_record_is_named(text: str) -> None:
    with pytest.raises(Problem, match=r"record\.json is damaged"):
        record.loads(text)


def test_what_existed_first_is_kept_and_what_was_written_last() -> None:
    before = record.empty()
    before.entries["parameters"].update(
        myhostname=Entry("theirs", "ours"), gone=Entry("theirs", "ours"), edited=Entry("theirs", "ours"))
    target = Tree({PATH: file("ours")}, {"myhostname": "new", "biff": "no"}, {})
    now = Tree({PATH: file("theirs")}, {"myhostname": "ours", "edited": "by hand"}, {})
    after = record.after(before, target, now, {("parameters", "edited")})
    assert after.entries["files"] == {
        PATH: Entry(record.file_to_json(file("theirs")), record.fingerprint(file("ours")))}
    assert after.entries["parameters"] == {
        "myhostname": Entry("theirs", "new"), "biff": Entry(None, "no"), "edited": Entry("theirs", "ours")}


def test_of_one_daemon_the_later_record_counts() -> None:
    entry, other = Entry(None, "1"), Entry(None, "2")
    before = Record({"files": {PATH: entry, "etc/mailname": entry}, "parameters": {"biff": entry}, "services": {}},
                    {"etc/postfix/main.cf": None}, {"postfix": "3.7", "dovecot": "2.3"},
                    {"postfix": Resources(2048, 2, ipv6=True)})
    later = Record({"files": {PATH: other, "etc/mailname": other}, "parameters": {"biff": other}, "services": {}},
                   {}, {"postfix": "3.10", "dovecot": "2.4"},
                   {"postfix": Resources(512, 1, ipv6=True), "dovecot": Resources(512, 1, ipv6=True)})
    after = record.with_one_daemon(
        before, later, "dovecot", lambda kind, name: effects.is_read_by("dovecot", kind, name))
    assert after.entries == {"files": {"etc/mailname": entry, PATH: other}, "parameters": {"biff": entry},
                             "services": {}}
    assert (after.originals, after.versions) == (before.originals, {"postfix": "3.7", "dovecot": "2.4"})
    assert after.made_for == {"postfix": Resources(2048, 2, ipv6=True), "dovecot": Resources(512, 1, ipv6=True)}
