"""The names of folders in Sieve scripts."""

from __future__ import annotations

import time

import pytest

from smallmail.folders import sieve

CHANGED = {
    'fileinto "Lists.Debian";': 'fileinto "Lists/Debian";',
    'FileInto :copy :create\n"A.B.C" ;': 'FileInto :copy :create\n"A/B/C" ;',
    'fileinto :flags ["a.b", "c.d"] "E.F";': 'fileinto :flags ["a.b", "c.d"] "E/F";',
    'fileinto :flags "a.b" :copy "E.F";': 'fileinto :flags "a.b" :copy "E/F";',
    'fileinto :specialuse "\\\\Junk.x" "E.F";': 'fileinto :specialuse "\\\\Junk.x" "E/F";',
    'fileinto "say \\"x.y\\".z";': 'fileinto "say \\"x/y\\"/z";',
    'fileinto "Entwürfe.2024";': 'fileinto "Entwürfe/2024";',
    'if mailboxexists ["A.B", "C.D"] { keep; }': 'if mailboxexists ["A/B", "C/D"] { keep; }',
    'if not allof(mailboxexists "A.B", true) { keep; }': 'if not allof(mailboxexists "A/B", true) { keep; }',
    'if metadata :comparator "i;octet" :is "A.B" "/private/x.y" "z.z" { keep; }':
        'if metadata :comparator "i;octet" :is "A/B" "/private/x.y" "z.z" { keep; }',
    'if header :contains "List-Id" "debian.org" { fileinto "L.Debian"; stop; }':
        'if header :contains "List-Id" "debian.org" { fileinto "L/Debian"; stop; }',
    'fileinto "L.${1}.x";': 'fileinto "L/${1}/x";',
    'set "Where" "L.Debian"; set "b" "c.d"; fileinto "${where}";':
        'set "Where" "L/Debian"; set "b" "c.d"; fileinto "${where}";',
    'set :lower "where" "L.${x}"; fileinto "${where}.new";': 'set :lower "where" "L/${x}"; fileinto "${where}/new";',
    # What is not closed: Dovecot does not accept such a script either, but the user may be writing it.
    'fileinto "A.B"; fileinto "C.D': 'fileinto "A/B"; fileinto "C/D',
}

SAME = [
    "", "keep;", 'fileinto "Work";', 'redirect "a.b@example.org";', '# fileinto "A.B";\nkeep;',
    '/* fileinto "A.B"; */ keep;', '/* fileinto "A.B";', 'vacation :days 7 "I am at fileinto \\"A.B\\".";',
    'vacation text:\nfileinto "A.B";\n..dots\n.\n;', 'vacation text: # a comment\r\nfileinto "A.B";\r\n.\r\n;',
    'if header :is "Subject" "A.B" { discard; }', 'addheader "X-Folder" "A.B";', 'set "a" "b.c";', "\xff\xfe.\x00",
    'require ["fileinto", "vnd.dovecot.x"];', 'include :personal "a.b";', 'fileinto text:\nA.B\n.\n;',
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CHANGED.items())
def test_folders_have_their_new_names(before: str, after: str) -> None:
    assert sieve.to_tree(before.encode()).decode() == after


@pytest.mark.parametrize(("before", "after"), CHANGED.items())
def test_it_may_be_repeated_and_undone(before: str, after: str) -> None:
    assert sieve.to_tree(after.encode()).decode() == after
    assert sieve.to_flat(after.encode()).decode() == before


@pytest.mark.parametrize("script", SAME)
def test_nothing_else_changes(script: str) -> None:
    assert sieve.to_tree(script.encode()).decode() == script


@pytest.mark.parametrize("part", ["/*", '"\\"', "text:\n", 'fileinto "a.b";', "[", "${", ":flags ", '"${a}'])
def test_a_malicious_script_takes_no_long_time(part: str) -> None:
    script = (part * (200_000 // len(part))).encode()
    started = time.process_time()
    sieve.to_tree(script)
    assert time.process_time() - started < 20
