"""Of an admin's files only those that the daemon refuses get out of its way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from smallmail.configuration import set_aside, set_aside_lines, tree
from smallmail.configuration.tree import Tree
from smallmail.daemons import main_cf, postconf
from smallmail.daemons.dovecot import DOVECOT
from smallmail.daemons.main_cf import MAIN
from smallmail.errors import Problem
from smallmail.machine.file import File
from smallmail.machine.host import Host

GOOD, BAD = "etc/dovecot/conf.d/50-good.conf", "etc/dovecot/local.conf"
OURS, STOCK = "etc/dovecot/conf.d/95-smallmail.conf", "etc/dovecot/conf.d/10-auth.conf"


def text(words: str) -> File:
    return File(words.encode(), 0o644, "root", "root")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path / "host"))
    made.write(GOOD, text("good"))
    made.write(BAD, text("bad, the admin's"))
    made.write("etc/dovecot/README", text("bad, but nobody reads it"))
    return made


def refused(host: Host, tmp_path: Path, wanted: Tree | None = None) -> dict[str, File | None]:
    """A daemon that takes no configuration with the word "bad" in it."""
    stage = Host(str(tmp_path / "stage"))
    for folder in ("etc/dovecot", "etc/dovecot/conf.d"):
        for name in host.names(folder):
            file = host.file(folder + "/" + name)
            if file:
                stage.write(folder + "/" + name, file)

    def judge() -> None:
        for folder in ("etc/dovecot", "etc/dovecot/conf.d"):
            for name in stage.names(folder):
                if name.endswith(".conf") and "bad" in stage.text(folder + "/" + name):
                    raise Problem("bad " + name)

    found = set_aside.refused(host, stage, DOVECOT, wanted or tree.empty(), judge)
    assert (stage.file(GOOD) or text("")).content == b"good"
    return found


def test_what_the_daemon_takes_stays(host: Host, tmp_path: Path) -> None:
    assert refused(host, tmp_path) == {BAD: None}


def test_ours_and_the_packages_own_take_the_place_of_what_was_changed(host: Host, tmp_path: Path) -> None:
    host.write(OURS, text("bad, ours as the admin changed it"))
    host.write(STOCK, text("bad, the package's as the admin changed it"))
    host.write(STOCK.replace("etc/", "usr/share/"), text("the package's"))
    host.write("var/lib/ucf/hashfile", text(f"0123456789abcdef0123456789abcdef  /{STOCK}\n"))
    found = refused(host, tmp_path, Tree({OURS: text("ours")}, {}, {}))
    assert found == {BAD: None, OURS: text("ours"), STOCK: text("the package's")}


def test_a_file_as_its_package_wrote_it_is_nobodys_override(host: Host, tmp_path: Path) -> None:
    host.remove(BAD)
    host.write(STOCK, text("bad, an older version of the package's"))
    md5 = hashlib.md5(b"bad, an older version of the package's").hexdigest()
    host.write("var/lib/ucf/hashfile", text(f"{md5}  /{STOCK}\n"))
    assert refused(host, tmp_path) == {}


def test_of_main_cf_the_lines_that_postfix_refuses_are_kept_beside_it(
        host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = text("good = 1\nbad = often\nours = as the admin has it, bad\nbiff = no\n")
    stage = Host(str(tmp_path / "stage"))

    def put(staged: Host, parameters: dict[str, str | None]) -> None:
        values = {**main_cf.parse_main(staged.text(MAIN)), **parameters}
        staged.write(MAIN, text("".join(f"{name} = {value}\n" for name, value in values.items() if value is not None)))

    def judge() -> None:
        if "often" in stage.text(MAIN) or "bad" in stage.text(MAIN).replace("bad =", ""):
            raise Problem("bad parameter value")

    monkeypatch.setattr(postconf, "put", put)
    wanted = Tree({}, {"ours": "well"}, {})
    found, notices = set_aside_lines.taken_out(host, stage, main, wanted, Problem("bad value"), judge)
    assert {path: file and file.content for path, file in found.items()} == {
        MAIN + ".set-aside": b"bad = often\nours = as the admin has it, bad\n",
        MAIN: b"good = 1\nours = well\nbiff = no\n"}
    assert len(notices) == 1
    assert notices[0].startswith("/etc/postfix/main.cf.set-aside: postfix, in the version now installed, does not")
    never = [Problem("whatever is set")]

    def refuses() -> None:
        raise never[0]
    assert set_aside_lines.taken_out(host, stage, main, wanted, never[0], refuses) == ({}, [])


def test_another_name_is_found_for_each(host: Host) -> None:
    for expected in (".set-aside", ".set-aside-2", ".set-aside-3"):
        host.write(BAD, text("mine"))
        for path, file in set_aside.move(host, BAD).items():
            host.put(path, file)
        assert host.text(BAD + expected) == "mine"
    assert set_aside.files(host) == [BAD + suffix for suffix in (".set-aside", ".set-aside-2", ".set-aside-3")]
