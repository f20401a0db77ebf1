"""What a mailbox's scripts require, and how many folders it has, as root sees it; and what root is not led to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail.folders import looking, sieve
from smallmail.machine.host import Host
from tests.unit.attackers import Victim, needs_root

HOME = "srv/mail/example.org/anna"
NOTIFY = b'require ["fileinto", "enotify"];\nnotify "mailto:a@example.net";\n'


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / HOME / "sieve").mkdir(parents=True)
    return Host(str(tmp_path))


def put(host: Host, name: str, script: bytes) -> None:
    Path(host.root, HOME, "sieve", name + ".sieve").write_bytes(script)


def activate(host: Host, target: str) -> None:
    Path(host.root, HOME, ".dovecot.sieve").symlink_to(target)


@pytest.mark.parametrize("target", ["sieve/main.sieve", f"/{HOME}/sieve/main.sieve"])
def test_the_active_script_is_read(host: Host, target: str) -> None:
    put(host, "main", NOTIFY)
    put(host, "other", b'require "regex";')
    activate(host, target)
    assert looking.required(host, HOME) == {b"fileinto", b"enotify"}


def test_a_script_that_is_not_active_does_not_count(host: Host) -> None:
    put(host, "old", NOTIFY)
    assert looking.required(host, HOME) == set()
    put(host, "main", b"keep;")
    activate(host, "sieve/main.sieve")
    assert looking.required(host, HOME) == set()


def test_a_script_of_an_admin_is_read(host: Host) -> None:
    Path(host.root, HOME, ".dovecot.sieve").write_bytes(NOTIFY)
    assert b"enotify" in looking.required(host, HOME)


def test_what_the_active_script_includes_counts(host: Host) -> None:
    put(host, "main", b'require "include"; include :personal "mein Ausschuss"; include "main"; include "../../x";')
    put(host, "mein Ausschuss", b'require "include"; include :once "last";')
    put(host, "last", NOTIFY)
    activate(host, "sieve/main.sieve")
    assert looking.required(host, HOME) == {b"include", b"fileinto", b"enotify"}


def test_a_long_chain_has_an_end(host: Host) -> None:
    for number in range(50):
        put(host, f"s{number}", f'require "x{number}"; include "s{number + 1}";'.encode())
    activate(host, "sieve/s0.sieve")
    assert len(looking.required(host, HOME)) == looking._SCRIPTS


def test_large_scripts_have_an_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_ENOUGH", 1000)
    for number in range(10):
        put(host, f"s{number}", f'require "x{number}"; include "s{number + 1}";'.encode() + b" " * 300)
    activate(host, "sieve/s0.sieve")
    assert looking.required(host, HOME) == {b"x0", b"x1", b"x2", b"x3"}


@pytest.mark.parametrize(("script", "required"), [
    (b'# require "enotify";\nkeep;', set()),
    (b'/* require "enotify"; */ keep;', set()),
    (b'REQUIRE\n[ "a" ,\n"EnotifY" ] ;', {b"a", b"EnotifY"}),
    (b'if header "subject" "require \\"enotify\\";" { keep; }', set()),
    (b'require "ihave"; if ihave "enotify" { keep; }', {b"ihave"}),
    (b"", set()), (b"\xff\x00require", set()), (b'require "', {b""}),
])  # fmt: skip
def test_what_a_script_requires(script: bytes, required: set[bytes]) -> None:
    assert sieve.required(script) == required


@pytest.mark.parametrize("thing", ["folder", "fifo", "large", "nothing"])
def test_what_is_not_a_script_is_nothing(host: Host, thing: str) -> None:
    path = Path(host.root, HOME, "sieve/main.sieve")
    activate(host, "sieve/main.sieve")
    if thing == "folder":
        path.mkdir()
    elif thing == "fifo":
        os.mkfifo(path)
    elif thing == "large":
        path.write_bytes(NOTIFY + b"#" * (1 << 20))
    assert looking.required(host, HOME) == set()


def test_folders_are_counted_on_all_levels(host: Host) -> None:
    assert looking.folders(host, HOME, 1000) == 0
    for path in ("INBOX", "A", "A/B", "A/B/C", "cur"):
        Path(host.root, HOME, "mail/mailboxes", path, "%maildir/cur").mkdir(parents=True)
    assert looking.folders(host, HOME, 1000) == 5
    assert looking.folders(host, HOME, 2) == 3


def test_a_list_that_is_too_large_is_not_read(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(host.root, HOME, "mail/mailboxes/INBOX").mkdir(parents=True)
    monkeypatch.setattr(looking, "_LARGE", 0)
    assert looking.folders(host, HOME, 1000) == 1001


@needs_root
def test_root_is_not_led_to_what_is_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = Victim(tmp_path, monkeypatch)
    home = victim.folder(HOME, "vmail")
    (victim.canary / "main.sieve").write_bytes(NOTIFY)
    for below in ("mailboxes/INBOX/%maildir", "mailboxes/A/%maildir"):
        (victim.canary / below).mkdir(parents=True)
    victim._before = victim._state()
    link = home / ".dovecot.sieve"
    for target in (victim.canary / "main.sieve", "../../../../etc/canary/main.sieve"):
        link.symlink_to(target)
        assert looking.required(victim.host, HOME) == set()
        link.unlink()
    (home / "sieve").symlink_to(victim.canary)
    (home / "mail").symlink_to(victim.canary)
    link.symlink_to("sieve/main.sieve")
    assert looking.required(victim.host, HOME) == set()
    assert looking.folders(victim.host, HOME, 1000) == 0
    (home / "sieve").unlink()
    (home / "sieve").mkdir()
    os.link(victim.canary / "main.sieve", home / "sieve/main.sieve")
    assert looking.required(victim.host, HOME) == set()
    victim.assert_untouched()
