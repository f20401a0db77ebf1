"""What a removed mailbox leaves is out of the way of the next one of its name, and comes back if that is asked for."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from smallmail.errors import Problem
from smallmail.folders import convert, former
from smallmail.machine.host import Host

MAIL, BOB = "/srv/mail", "bob@example.org"
ME = getpass.getuser()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path))
    made.directory("srv/mail/example.org/bob/mail/cur")
    return made


def test_mail_is_set_aside_as_a_whole_and_brought_back(host: Host) -> None:
    kept = former.set_aside(host, MAIL, BOB, ME)
    assert kept.startswith("/srv/mail/.removed/bob@example.org-2")
    assert host.exists(kept[1:] + "/mail/cur") and not host.exists("srv/mail/example.org/bob")
    assert [Path(str(home, "utf-8")).name for home in convert.homes(host.path("srv/mail").encode())] == [
        Path(kept).name], "it is converted with the others"
    assert former.set_aside(host, MAIL, BOB, ME) == "", "nothing is left to set aside"
    assert former.bring_back(host, MAIL, BOB, ME) == "/srv/mail/example.org/bob"
    assert host.exists("srv/mail/example.org/bob/mail/cur")


def test_the_newest_comes_back_and_nobody_elses(host: Host) -> None:
    for name in ("bob@example.org-20250101-000000", "bob@example.org-20260101-000000",
                 "bob@example.org-more-20270101-0", "xbob@example.org-20270101-000000"):
        host.directory("srv/mail/.removed/" + name)
    former.set_aside(host, MAIL, BOB, ME)
    host.remove_folder("srv/mail/.removed/bob@example.org-20250101-000000")
    former.bring_back(host, MAIL, BOB, ME)
    assert sorted(host.names("srv/mail/.removed")) == [
        "bob@example.org-20260101-000000", "bob@example.org-more-20270101-0", "xbob@example.org-20270101-000000"]


def test_what_is_in_place_is_not_replaced(host: Host) -> None:
    host.directory("srv/mail/.removed/bob@example.org-20250101-000000")
    assert former.bring_back(host, MAIL, BOB, ME) == "/srv/mail/example.org/bob"
    assert host.names("srv/mail/.removed") == ["bob@example.org-20250101-000000"]
    assert former.bring_back(host, MAIL, "carol@example.org", ME) == ""


def test_what_cannot_be_moved_is_told(host: Host) -> None:
    (Path(host.root) / "srv/mail/.removed").write_text("a file")
    with pytest.raises(Problem, match=r"^/srv/mail/example.org/bob cannot be moved to /srv/mail/.removed/bob@.* \(File"
                                      r" exists\): move it yourself, and try again$"):
        former.set_aside(host, MAIL, BOB, ME)
