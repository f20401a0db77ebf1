"""A mail directory whose volume is not mounted is not made into a mail store; one that moved goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from smallmail.configuration import prepare
from smallmail.errors import Problem
from smallmail.folders import convert, in_force, volume
from smallmail.folders.moves import TREE
from smallmail.machine import services, state, state_files
from smallmail.machine.file import File
from smallmail.machine.host import Failed, Host
from smallmail.programs import folders
from smallmail.settings.fields import Settings

POSTRM = Path(__file__).parents[3] / "debian/smallmail-server.postrm"
SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"})
SENTENCE = ("/srv/mail does not contain the mail that was there: mount its volume, then type 'systemctl restart"
            " dovecot' (if it is to begin empty: 'mkdir -p /srv/mail && touch /srv/mail/.smallmail')")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(str(tmp_path))
    state_files.write(made, state.RECORD, "{}")
    monkeypatch.setattr(in_force, "ask", lambda _: in_force.InForce(TREE, True))
    monkeypatch.setattr(convert, "to_layout", lambda *_: [])
    apply(made)
    made.directory("srv/mail/example.org/alice/mail")
    return made


def apply(host: Host) -> None:
    """Do what an apply does with the mail directory."""
    list(prepare._volume(host, SETTINGS))
    list(prepare._folders(host, SETTINGS))


def emptied(host: Host) -> None:
    """Take the volume away: what was under it is an empty folder."""
    os.rename(host.path("srv/mail"), host.path("srv/away"))
    host.directory("srv/mail")


def test_an_apply_marks_the_directory_and_goes_on(host: Host) -> None:
    apply(host)
    assert host.exists("srv/mail/.smallmail") and volume.remembered(host) == "/srv/mail"
    assert (folders.folders(host, []), list(volume.findings(host, SETTINGS))) == (0, [])


@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "the folder above is not mounted, too"])
def test_a_bare_mount_point_is_left_alone(host: Host, is_there: bool, capsys: pytest.CaptureFixture[str]) -> None:
    emptied(host)
    if not is_there:
        host.remove_folder("srv/mail")
    with pytest.raises(Problem) as refused:
        apply(host)
    assert str(refused.value) == SENTENCE and host.names("srv/mail") == [] and host.exists("srv/mail") == is_there
    assert folders.folders(host, []) == 75, "Dovecot does not start"
    assert capsys.readouterr().err == f"smallmail: {SENTENCE}\n"
    (finding,) = volume.findings(host, SETTINGS)
    assert finding.what == "/srv/mail does not contain the mail that was there"


def test_a_mount_that_comes_back_elsewhere_goes_on_by_itself(host: Host) -> None:
    emptied(host)
    host.remove_folder("srv/mail")
    shutil.copytree(host.path("srv/away"), host.path("srv/mail"))   # other inodes, and another device if it were one
    apply(host)
    assert folders.folders(host, []) == 0


def test_mail_restored_without_hidden_files_is_marked_again(host: Host) -> None:
    host.remove("srv/mail/.smallmail")
    assert folders.folders(host, []) == 0
    apply(host)
    assert host.exists("srv/mail/.smallmail")


def test_old_mail_under_a_missing_mount_is_not_taken_for_the_mail(host: Host) -> None:
    host.remove("srv/mail/.smallmail")
    state_files.save_json(host, state.MAIL_VOLUME, {"directory": "/srv/mail", "is_apart": True})
    with pytest.raises(Problem):
        apply(host)


def test_the_admin_may_begin_empty_or_elsewhere(host: Host) -> None:
    emptied(host)
    assert volume.missing(host, "/srv/other") == "", "another mail-directory was never marked"
    subprocess.run(["touch", host.path("srv/mail/.smallmail")], check=True)
    apply(host)
    assert folders.folders(host, []) == 0


@pytest.mark.parametrize("has_mail", [True, False])
def test_a_purge_takes_the_marker_of_an_empty_directory_only(has_mail: bool, tmp_path: Path) -> None:
    (tmp_path / volume.MARKER).touch()
    if has_mail:
        (tmp_path / "example.org").mkdir()
    text = POSTRM.read_text("utf-8")
    functions = "".join(text[text.index(f"{name}() {{"):].partition("\n}\n")[0] + "\n}\n"
                        for name in ("enter", "delete_marker"))
    subprocess.run(["sh", "-c", f"set -e; {functions} delete_marker '{tmp_path}'"], check=True)
    assert (tmp_path / volume.MARKER).exists() == has_mail


@pytest.mark.parametrize(("fstab", "mounts", "is_refused"), [
    ("UUID=1 / ext4 defaults 0 1\nUUID=2 /srv ext4 nofail 0 2\n", ["/"], True),
    ("UUID=2 /srv/mail ext4 nofail 0 2\n", ["/"], True),
    ("UUID=2 /srv ext4 nofail 0 2\n", ["/", "/srv"], False),
    ("UUID=2 /srv/mails ext4\n# UUID=2 /srv ext4\nUUID=3 none swap sw 0 0\n", ["/"], False),
    ("UUID=2 /srv ext4\n", [], False),
])
def test_a_first_apply_looks_into_fstab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fstab: str, mounts: list[str],
                                        is_refused: bool) -> None:
    host = Host(str(tmp_path))
    monkeypatch.setattr(services, "managed", lambda: True)
    for path, text in (("etc/fstab", fstab), ("proc/self/mountinfo", "".join(
            f"22 1 8:1 / {point} rw - ext4 /dev/x rw\n" for point in mounts))):
        host.write(path, File(text.encode(), 0o644, "root", "root"))
    if is_refused:
        with pytest.raises(Problem, match="is in /etc/fstab and is not mounted"):
            apply(host)
        assert not host.exists("srv/mail")
    else:
        apply(host)
        assert volume.remembered(host) == "/srv/mail"


def test_a_directory_that_cannot_be_marked_stops_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.remove("srv/mail/.smallmail")
    host.remove(state.MAIL_VOLUME)

    def refused(*_: object, **__: object) -> str:
        raise Failed("touch: Permission denied")

    monkeypatch.setattr(host, "run", refused)
    apply(host)
    assert volume.remembered(host) == "" and folders.folders(host, []) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts in a mount namespace of its own")
def test_a_real_mount(host: Host) -> None:
    code = ("from tests.unit.folders.test_volume import *; import sys; host = Host(sys.argv[1]);"
            "print(volume._is_apart(host, '/srv/mail'))")
    script = f"mount -t tmpfs none {host.path('srv/mail')} && exec /usr/bin/python3 -B -c \"{code}\" {host.root}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False,
                          cwd=Path(__file__).parents[3])
    if done.returncode:
        pytest.skip(f"no mount here: {done.stderr[-100:]}")
    assert done.stdout == "True\n" and not volume._is_apart(host, "/srv/mail")


def test_another_mail_directory_waits_until_the_mail_is_there(host: Host) -> None:
    other = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org",
                      "mail-directory": "/srv/other"})
    with pytest.raises(Problem) as refused:
        list(prepare._volume(host, other))
    assert str(refused.value) == (
        "mail-directory: the mail is in /srv/mail: type 'systemctl stop dovecot && mkdir -p /srv/other && cp -a"
        " /srv/mail/. /srv/other/' first (mail waits in the queue meanwhile), then try again, and delete /srv/mail when"
        " all is there")
    shutil.copytree(host.path("srv/mail"), host.path("srv/other"))
    assert list(prepare._volume(host, other)) == []
    shutil.rmtree(host.path("srv/other"))
    shutil.rmtree(host.path("srv/mail/example.org"))
    assert list(prepare._volume(host, other)) == [], "there is no mail yet"
