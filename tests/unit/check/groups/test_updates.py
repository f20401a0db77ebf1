"""Packages: what dpkg left unfinished, which updates wait, and how long this Debian is supported."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.check.groups import updates
from smallmail.findings import NOTE, PROBLEM

STATUS = """\
Package: postfix
Status: install ok installed
Version: 3.10.4-1
Source: postfix

Package: dovecot-core
Status: install ok half-configured
Version: 1:2.4.1-1
Source: dovecot (1:2.4.1)

Package: libssl3t64
Status: install ok triggers-pending
Version: 3.5.1-1
Source: openssl

Package: rspamd
Status: deinstall ok config-files
Version: 3.12.1-1

Package: nginx
Status: install ok half-configured
Version: 1.26-1

"""
# distro-info-data of trixie, some lines.
RELEASES = """\
version,codename,series,created,release,eol,eol-lts,eol-elts
11,Bullseye,bullseye,2019-07-06,2021-08-14,2024-08-14,2026-08-31,2031-06-30
12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-06-10,2028-06-30,2033-06-30
13,Trixie,trixie,2023-06-10,2025-08-09,2028-08-09,2030-06-30,2035-06-30
,Sid,sid,1993-08-16,1993-08-16
"""


def test_packages_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "status").write_text(STATUS)
    states = updates.of_mail(str(tmp_path / "status"))
    assert set(states) == {"postfix", "dovecot-core", "libssl3t64", "rspamd"}
    finding, = updates.broken(states)
    assert finding.what == "only partly installed: dovecot-core"


def test_updates_that_wait() -> None:
    assert list(updates.pending([], ["postfix"], False)) == []
    problem, = updates.pending(["dovecot-core", "postfix"], ["postfix"], False)
    assert (problem.severity, problem.what) == (PROBLEM, "security updates are not installed: dovecot-core, postfix")
    note, new = updates.pending(["postfix"], ["smallmail-server"], True)
    assert (note.severity, new.severity) == (NOTE, NOTE)
    assert "new version of smallmail-server" in new.what


@pytest.mark.parametrize(("age", "there", "expected"), [
    (3600.0, True, []), (8 * 86400.0, True, ["apt's package lists are old"]),
    (0.0, False, ["apt has no package lists"])])
def test_lists(age: float, there: bool, expected: list[str]) -> None:
    assert [each.what for each in updates.lists(age, there)] == expected


@pytest.mark.parametrize(("codename", "today", "expected"), [
    ("trixie", "2026-11-24", []), ("sid", "2026-11-24", []), ("", "2026-11-24", []),
    ("bookworm", "2026-11-24", ["Debian bookworm has been out of regular support since 2026-06-10; its long-term"
                                " support ends 2028-06-30: upgrade to the next release"]),
    ("bullseye", "2026-11-24", ["Debian bullseye has been out of regular support since 2024-08-14: upgrade to the"
                                " next release"])])
def test_support(codename: str, today: str, expected: list[str]) -> None:
    assert [each.what for each in updates.support(RELEASES, codename, today)] == expected
