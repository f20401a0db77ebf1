"""Of an admin's files only those that the daemon refuses get out of its way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from smallmail import aside, tree
from smallmail.errors import Problem
from smallmail.host import Host
from smallmail.tree import File, Tree

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

    found = aside.refused(host, stage, "dovecot", wanted or tree.empty(), judge)
    assert (stage.file(GOOD) or text("")).content == b"good"
    return found


def test_what_the_daemon_takes_stays(host: Host, tmp_path: Path) -> None:
    assert refused(host, tmp_path) == {BAD: None}


def test_ours_and_the_packages_own_take_the_place_of_what_was_changed(host: Host, tmp_path: Path) -> None:
    host.write(OURS, text("bad, ours as the admin changed it"))
    host.write(STOCK, text("bad, the package's as the admin changed it"))
    host.write(STOCK.replace("etc/", "usr/share/"), text("the package's"))
    found = refused(host, tmp_path, Tree({OURS: text("ours")}, {}, {}))
    assert found == {BAD: None, OURS: text("ours"), STOCK: text("the package's")}


def test_a_file_as_its_package_wrote_it_is_nobodys_override(host: Host, tmp_path: Path) -> None:
    host.remove(BAD)
    host.write(STOCK, text("bad, an older version of the package's"))
    known = hashlib.md5(b"bad, an older version of the package's").hexdigest()
    host.write("var/lib/ucf/hashfile", text("{}  /{}\n".format(known, STOCK)))
    assert refused(host, tmp_path) == {}


def test_another_name_is_found_for_each(host: Host) -> None:
    for expected in (".set-aside", ".set-aside-2", ".set-aside-3"):
        host.write(BAD, text("mine"))
        for path, file in aside.move(host, BAD).items():
            host.put(path, file)
        assert host.text(BAD + expected) == "mine"
    assert aside.files(host) == [BAD + suffix for suffix in (".set-aside", ".set-aside-2", ".set-aside-3")]
