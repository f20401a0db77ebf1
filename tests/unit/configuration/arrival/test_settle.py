"""State out of a backup becomes this machine's; what it says of another machine's configuration counts for nothing."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

import pytest

from smallmail.configuration import in_force, record, transaction
from smallmail.configuration.arrival import owners, settle, whose
from smallmail.configuration.record import Entry, Record
from smallmail.machine import state, state_files, users
from smallmail.machine.file import File
from smallmail.machine.host import Host
from tests.unit.attackers import needs_root

OURS = "etc/dovecot/conf.d/95-smallmail-mail.conf"
HOOK = "etc/letsencrypt/renewal-hooks/deploy/smallmail"


def file(text: str) -> File:
    return File(text.encode(), 0o644, "root", "root")


def made_of(version: str) -> Record:
    """The record of a machine on which that was set up."""
    files = {OURS: Entry(None, record.fingerprint(file(version))), "etc/mailname": Entry(None, "x"),
             HOOK: Entry(None, record.fingerprint(file("hook")))}
    entries = OrderedDict((kind, OrderedDict(files if kind == "files" else {})) for kind in record.KINDS)
    return record.empty()._replace(entries=entries, originals={"etc/postfix/main.cf": None},
                                   versions={"postfix": version})


def put(host: Host, path: str, version: str) -> None:
    state_files.write(host, path, record.dumps(made_of(version)))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(users, "ensure", lambda *_: None)   # it would make users on the machine that runs the tests
    made = Host(str(tmp_path))
    made.directory(state.FOLDER)
    return made


def settled(host: Host) -> list[str]:
    found = settle.settle(host, "/srv/mail")
    assert not whose.is_due(host)
    assert settle.settle(host, "/srv/mail") == [], "once"
    return found


def test_nothing_is_due_on_a_machine_that_was_never_set_up(host: Host) -> None:
    assert not whose.is_due(host) and settled(host) == []
    assert in_force.load_record(host) == record.empty()


def test_an_upgrade_from_a_version_without_the_second_copy_keeps_its_record(host: Host) -> None:
    put(host, state.RECORD, "3.5")
    host.write(OURS, file("changed by hand"))
    assert not whose.is_due(host)
    assert in_force.load_record(host) == made_of("3.5")


def test_on_a_fresh_machine_the_record_is_a_backup(host: Host) -> None:
    put(host, state.RECORD, "3.5")
    host.write(HOOK, file("hook"))
    host.write("etc/mailname", file("mx.example.org"))
    for path in (state.JOURNAL, state.UNITS, state.RETIRED_STORES, state.PUBLISHED):
        state_files.write(host, path, "{}")
    assert whose.is_due(host) and in_force.load_record(host) == record.empty()
    assert len(settled(host)) == 1
    assert not state.in_charge(host.root), "the first apply makes this machine's"
    assert not any(map(host.exists, [state.JOURNAL, state.UNITS, state.RETIRED_STORES]))
    assert host.exists(state.PUBLISHED)
    known = in_force.load_record(host)
    assert not known.originals and list(known.entries["files"]) == [HOOK], "it came along, and is not the admin's"


def test_on_a_machine_that_is_set_up_its_own_record_counts(host: Host) -> None:
    put(host, state.OWN_RECORD, "3.10")
    put(host, state.RECORD, "3.5")
    state_files.write(host, state.RETIRED_STORES, "[]")
    state_files.write(host, state.JOURNAL, "{}")
    assert whose.is_due(host) and in_force.load_record(host) == made_of("3.10")
    assert len(settled(host)) == 1
    assert record.loads(host.text(state.RECORD)) == made_of("3.10")
    assert host.exists(state.RETIRED_STORES) and not host.exists(state.JOURNAL)


def test_a_record_that_an_older_version_wrote_meanwhile_counts(host: Host) -> None:
    """0.6.0, to which somebody went back, writes the first copy only."""
    put(host, state.OWN_RECORD, "3.5")
    put(host, state.RECORD, "3.10")
    host.write(OURS, file("3.10"))
    assert not whose.is_due(host) and in_force.load_record(host) == made_of("3.10")


def test_after_a_removal_by_an_older_version_nothing_is_remembered(host: Host) -> None:
    put(host, state.OWN_RECORD, "3.5")
    assert not whose.is_due(host) and in_force.load_record(host) == record.empty()


@pytest.mark.parametrize("is_second_old", [True, False], ids=["between the copies", "after both"])
def test_an_apply_that_was_cut_off_is_taken_back_first(host: Host, is_second_old: bool) -> None:
    for path in (state.RECORD, state.OWN_RECORD):
        put(host, path, "3.5")
    new = record.dumps(made_of("3.10")).encode("ascii")
    transaction.swap(host, {path: state_files.file(path, new) for path in (state.RECORD, state.OWN_RECORD)})
    if is_second_old:
        put(host, state.OWN_RECORD, "3.5")
    assert not whose.is_due(host) and settle.settle(host, "/srv/mail") == []
    assert transaction.undo(host)
    assert in_force.load_record(host) == made_of("3.5") and not whose.is_due(host)


def test_cut_off_it_begins_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    put(host, state.RECORD, "3.5")
    with monkeypatch.context() as patched:
        patched.setattr(settle, "_forget_record", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            settle.settle(host, "/srv/mail")
    assert whose.is_due(host)
    assert len(settled(host)) == 1


def test_where_the_mail_was_apart_it_need_not_be_here(host: Host) -> None:
    put(host, state.RECORD, "3.5")
    state_files.write(host, state.MAIL_VOLUME, '{"directory": "/srv/mail", "is_apart": true}')
    settled(host)
    assert '"is_apart": false' in host.text(state.MAIL_VOLUME)


def test_every_path_of_the_table_has_an_owner_in_the_folder() -> None:
    assert state.permissions(state.REDIS + "/appendonlydir/x").owner == "_rspamd"
    assert state.permissions(state.ACCOUNTS) == state.FILES[state.ACCOUNTS]
    assert state.permissions(state.FOLDER + "/whatever").owner == "root"


@needs_root
def test_owners_are_given_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "root/mail/a/cur").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").write_text("x")
    (tmp_path / "root/mail/a/cur/1").write_text("x")
    (tmp_path / "root/mail/lost+found").mkdir()
    (tmp_path / "root/mail/a/link").symlink_to(tmp_path / "elsewhere")
    for path in ("a", "a/cur", "a/cur/1", "a/link", "."):
        os.chown(tmp_path / "root/mail" / path, 105, 105, follow_symlinks=False)
    (tmp_path / "root/mail").chmod(0o750)
    assert owners.give(Host(str(tmp_path / "root")), "mail", lambda _: ("mail", "mail")) == 4
    for path in ("a", "a/cur", "a/cur/1", "a/link", "."):
        assert os.lstat(tmp_path / "root/mail" / path).st_uid == 8, path
    assert os.stat(tmp_path / "root/mail").st_mode & 0o777 == 0o750
    assert {os.lstat(tmp_path / path).st_uid for path in ("elsewhere", "elsewhere/file", "root/mail/lost+found")} == {0}
