"""What is written outlives a power cut, and an admin's symbolic links stay links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail.daemons import postconf
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate


def file(text: str) -> File:
    return File(text.encode(), 0o644, "root", "root")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(str(tmp_path))


def test_of_a_new_certificate_nothing_is_named_that_is_not_on_the_disk(
        host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file and each folder is synced, the files when they have their whole content."""
    synced = {}

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced[status.st_ino] = status.st_size
    monkeypatch.setattr(os, "fsync", fsync)
    certificate.ensure(host, Settings({"hostname": "mx.example.org", "domain": "example.org",
                                       "address": "alice@example.org", "certificate": "self-signed"}))
    made = sorted(Path(host.root).rglob("*"))
    assert {path.name for path in made} >= {"fullchain.pem", "privkey.pem", "current"}
    for path in made:
        assert path.is_symlink() or path.stat().st_ino in synced, path
        assert path.is_dir() or synced[path.stat().st_ino] == path.stat().st_size > 0, path


def test_a_key_that_a_power_cut_left_empty_is_made_anew(host: Host) -> None:
    settings = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org",
                         "certificate": "self-signed"})
    key = f"{state.TLS}/{certificate.ensure(host, settings)}/privkey.pem"
    host.write(key, file(""))
    certificate.ensure(host, settings)
    assert "PRIVATE KEY" in host.text(key)


@pytest.mark.parametrize("target", ["../../home/carol/main.cf", "{root}/home/carol/main.cf"])
def test_a_file_behind_a_link_is_replaced_and_the_link_stays(host: Host, target: str) -> None:
    target = target.format(root=host.root)
    host.write("home/carol/main.cf", file("old"))
    host.directory("etc/postfix")
    host.point("etc/postfix/main.cf", target)
    host.write("etc/postfix/main.cf", file("new"))
    assert (host.link("etc/postfix/main.cf"), host.text("home/carol/main.cf")) == (target, "new")
    assert host.names("etc/postfix") + host.names("home/carol") == ["main.cf", "main.cf"], "nothing unfinished"
    host.remove("etc/postfix/main.cf")
    assert (host.names("etc/postfix"), host.text("home/carol/main.cf")) == ([], "new")


@pytest.mark.parametrize("target", ["nowhere", "/etc/hostname", "folder"])
def test_a_link_to_nothing_or_out_of_a_scratch_folder_is_replaced(host: Host, target: str) -> None:
    host.directory("etc/folder")
    host.point("etc/link", target)
    host.write("etc/link", file("new"))
    assert (host.link("etc/link"), host.text("etc/link")) == (None, "new")


def test_only_an_empty_folder_is_removed(host: Host, tmp_path: Path) -> None:
    for folder in ("empty", "full"):
        (tmp_path / folder).mkdir()
    (tmp_path / "full/file").touch()
    for folder in ("empty", "full", "missing"):
        host.remove_folder(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_stage_never_leads_to_the_live_file(tmp_path: Path) -> None:
    host = Host(str(tmp_path / "host"))
    for name in ("main.cf", "master.cf"):
        host.write("home/carol/" + name, file("x = 1"))
        host.directory("etc/postfix")
        host.point("etc/postfix/" + name, "../../home/carol/" + name)

    class Stage(Host):
        def run(self, command: list[str], text: str = "") -> str:
            for name in ("main.cf", "master.cf"):
                self.write("etc/postfix/" + name, file(self.text("etc/postfix/" + name) + "set"))
            return ""

    stage = Stage(str(tmp_path / "stage"))
    stage.directory("etc/postfix")
    stage.point("etc/postfix/main.cf", host.path("home/carol/main.cf"))     # as a copied absolute link
    stage.point("etc/postfix/master.cf", "../../home/carol/master.cf")      # as a copied relative one
    edited = postconf.edited(host, stage, {"y": "2"}, {})
    assert {found.content for found in edited.values()} == {b"x = 1\nset"}
    assert host.text("home/carol/main.cf") == host.text("home/carol/master.cf") == "x = 1"


STOWED = "opt/stow/dovecot/conf.d"


@pytest.mark.parametrize("link", [
    "../../../opt/stow/dovecot/conf.d/99-carol.conf", "../../../../../../../../opt/stow/dovecot/conf.d/99-carol.conf",
    "/opt/stow/dovecot/conf.d/99-carol.conf", "first", "../10-auth.conf",
])
def test_links_lead_to_the_same_on_a_stage(host: Host, link: str) -> None:
    target = host.path(link[1:]) if link.startswith("/") else link
    host.write(STOWED + "/99-carol.conf", file("carol"))
    host.write("etc/dovecot/10-auth.conf", file("carol"))
    host.directory("etc/dovecot/conf.d")
    host.point("etc/dovecot/conf.d/99-carol.conf", target)
    host.point("etc/dovecot/conf.d/first", "../../../opt/stow/dovecot/conf.d/99-carol.conf")
    with host.stage(["etc/dovecot"]) as stage:
        staged = Path(stage.path("etc/dovecot/conf.d/99-carol.conf"))
        assert staged.read_text() == "carol"
        if "10-auth" in link:
            stage.write("etc/dovecot/10-auth.conf", file("staged"))
            assert staged.read_text() == "staged"
        stage.write("etc/dovecot/conf.d/99-carol.conf", file("new"))
        assert host.text("etc/dovecot/conf.d/99-carol.conf") == "carol"
    assert host.link("etc/dovecot/conf.d/99-carol.conf") == target


@pytest.mark.parametrize("link", ["../../opt/stow/dovecot/conf.d", "/opt/stow/dovecot/conf.d"])
def test_a_folder_behind_a_link_is_written_on_the_stage_alone(host: Host, link: str) -> None:
    host.write(STOWED + "/99-carol.conf", file("carol"))
    host.point(STOWED + "/50-link.conf", "99-carol.conf")
    host.directory("etc/dovecot")
    host.point("etc/dovecot/conf.d", host.path(link[1:]) if link.startswith("/") else link)
    with host.stage(["etc/dovecot"]) as stage:
        stage.write("etc/dovecot/conf.d/95-smallmail.conf", file("ours"))
        stage.put("etc/dovecot/conf.d/99-carol.conf", None)
        folder = Path(stage.path("etc/dovecot/conf.d"))
        assert {path.name: path.read_text() for path in folder.iterdir()} == {
            "95-smallmail.conf": "ours", "50-link.conf": "carol"}
    assert sorted(host.names(STOWED)) == ["50-link.conf", "99-carol.conf"]
    assert host.text(STOWED + "/99-carol.conf") == "carol"


def test_links_to_nothing_and_in_a_circle_do_not_keep_a_stage_from_being_made(host: Host) -> None:
    host.directory("etc/dovecot")
    for name, target in (("none", "../../nowhere"), ("circle", "circle"), ("up", "."), ("root", "../../../../../..")):
        host.point("etc/dovecot/" + name, target)
    with host.stage(["etc/dovecot"]) as stage:
        assert sorted(stage.names("etc/dovecot")) == ["circle", "none", "root", "up"]


def test_a_stage_has_copies_of_the_folders_and_is_gone_afterwards(host: Host) -> None:
    host.write("etc/a/sub/x", file("live"))
    host.write("etc/b/y", file("live"))
    with host.stage(["etc/a", "etc/none"]) as stage:
        stage.write("etc/a/sub/x", file("staged"))
        assert stage.names("etc") == ["a"]
        assert host.text("etc/a/sub/x") == "live"
    assert not Path(stage.root).exists()


def test_a_command_that_does_not_end_is_ended(host: Host) -> None:
    with pytest.raises(Failed, match=r"^'sleep 60' did not end within 1 seconds$"):
        host.run(["sleep", "60"], seconds=1)
    with pytest.raises(Failed, match=r"^'sh -c exit 124' failed: 124$"):
        host.run(["sh", "-c", "exit 124"], seconds=60)
