"""Keys come out of their former folder whole, and nothing that another user may have put there comes with them."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from smallmail.dkim import former, key_format, keys as dkim_keys, signing
from smallmail.dkim.key_list import NEXT, SIGNING
from smallmail.errors import Problem
from smallmail.machine import state, state_files, walk
from smallmail.machine.file import File
from smallmail.machine.host import Host
from tests.unit.attackers import USERS, Victim, hard_link, needs_root
from tests.unit.dkim.conftest import DOMAIN, states, with_rspamd

FORMER = state.DKIM_FORMER_FOLDER
FILES = ["example.org.dkim-ed25519.key", "example.org.dkim.key", "keys.json"]
CONF = "etc/rspamd/local.d/dkim_signing.conf"
NEW = f'path = "/{state.DKIM_FOLDER}/$domain.$selector.key";\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a host that has its keys where 0.3.0 had them."""
    host = with_rspamd(tmp_path_factory.mktemp("made"), "3.12.1-1")
    host.write(CONF, File(NEW.encode(), 0o644, "root", "root"))
    dkim_keys.ensure(host, [DOMAIN])
    os.makedirs(host.path("var/lib/rspamd"))
    os.rename(host.path(state.DKIM_FOLDER), host.path(FORMER))
    listed = host.text(state.DKIM_KEYS).replace(state.DKIM_FOLDER, FORMER)
    state_files.write(host, state.DKIM_KEYS, listed)
    return Path(host.root)


@pytest.fixture
def victim(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Victim:
    """A host as 0.3.0 left it, where Rspamd's user owns the folder above the keys."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    victim = Victim(tmp_path, monkeypatch)
    victim.folder("var/lib/rspamd", "_rspamd", 0o750)
    return victim


def contents(host: Host, folder: str) -> dict[str, str]:
    return {name: host.text(f"{folder}/{name}") for name in sorted(host.names(folder))}


def proven(host: Host, seconds: float = 61) -> None:
    """Rspamd was seen to sign with today's keys, that long ago."""
    text = signing.text(dkim_keys.load(host))
    state_files.save_json(host, state.DKIM_SIGNING, {"proven": signing._digest(text), "told": "", "trouble": ""})
    then = time.time() - seconds
    os.utime(host.path(state.DKIM_SIGNING), (then, then))


@needs_root
def test_keys_and_list_are_copied_and_then_the_former_ones_go(victim: Victim) -> None:
    host = victim.host
    before = contents(host, FORMER)
    assert list(before) == FILES
    former.move(host)
    assert contents(host, state.DKIM_FOLDER) == before == contents(host, FORMER), "Rspamd still reads those"
    assert states(host) == {"dkim": SIGNING, "dkim-ed25519": NEXT}
    for name in FILES:
        status = os.stat(host.path(f"{state.DKIM_FOLDER}/{name}"))
        assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, USERS["_rspamd"], 0o640)
    assert host.text(state.DKIM_KEYS).splitlines() == [f"/{state.DKIM_FOLDER}/{name}" for name in reversed(FILES[:2])]
    dkim_keys.ensure(host, [DOMAIN])
    assert contents(host, state.DKIM_FOLDER) == before, "no key was made anew"
    proven(host, seconds=5)
    former.forget(host)
    assert contents(host, FORMER) == before, "a process of Rspamd may still sign with them"
    proven(host)
    former.forget(host)
    assert not host.exists(FORMER) and not host.exists(state.DKIM_FORMER)
    victim.assert_untouched()


@needs_root
@pytest.mark.parametrize("done", range(5))
def test_cut_off_anywhere_it_is_done_again(victim: Victim, done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    host, writes = victim.host, []
    before, real = contents(host, FORMER), Host.write

    def write(self: Host, path: str, file: File) -> None:
        if len(writes) == done:
            raise KeyboardInterrupt
        writes.append(path)
        real(self, path, file)
    monkeypatch.setattr(Host, "write", write)
    with pytest.raises(KeyboardInterrupt):
        former.move(host)
    monkeypatch.setattr(Host, "write", real)
    with pytest.raises(Problem, match="'smallmail apply' moves them"):
        dkim_keys.load(host)
    former.forget(host)
    assert contents(host, FORMER) == before
    former.move(host)
    former.move(host)
    assert contents(host, state.DKIM_FOLDER) == before


@needs_root
def test_until_they_are_moved_nothing_is_said_of_them(victim: Victim) -> None:
    """New programs run while the package is not configured yet: they must not take the list for empty."""
    for action in (dkim_keys.load, signing.write, lambda host: dkim_keys.ensure(host, [DOMAIN])):
        with pytest.raises(Problem, match=f"the DKIM keys are still in /{FORMER}: 'smallmail apply' moves them"):
            action(victim.host)
    assert not victim.host.exists(state.DKIM_CONF)


@needs_root
def test_a_configuration_that_names_the_former_folder_keeps_it(victim: Victim) -> None:
    host = victim.host
    former.move(host)
    proven(host)
    for path, text in ((CONF, f'path = "/{FORMER}/x.key";'), (CONF, "enabled = false;"),
                       ("etc/rspamd/override.d/arc.conf", f'path = "/{FORMER}/x.key";')):
        host.write(CONF, File(NEW.encode(), 0o644, "root", "root"))
        host.write(path, File(text.encode(), 0o644, "root", "root"))
        former.forget(host)
        assert sorted(host.names(FORMER)) == FILES
    host.remove("etc/rspamd/override.d/arc.conf")
    former.forget(host)
    assert not host.exists(FORMER)


@needs_root
def test_what_else_is_there_stays(victim: Victim) -> None:
    """An admin's key of another domain is copied too, and his notes are not touched."""
    host, pair = victim.host, key_format.make(victim.host, "rsa")
    host.write(f"{FORMER}/other.example.mine.key", File(pair.private.encode(), 0o400, "_rspamd", "_rspamd"))
    host.write(f"{FORMER}/notes", File(b"x", 0o600, "root", "root"))
    former.move(host)
    assert host.text(f"{state.DKIM_FOLDER}/other.example.mine.key") == pair.private
    assert "other.example" not in host.text(state.DKIM_KEYS), "found, not made: postrm may not delete it"
    proven(host)
    former.forget(host)
    assert host.names(FORMER) == ["notes"] and host.names(state.DKIM_FOLDER).count("notes") == 0


@needs_root
def test_a_key_of_0_2_which_kept_no_list_signs_on(victim: Victim) -> None:
    host = victim.host
    for name in ("keys.json", "example.org.dkim-ed25519.key"):
        host.remove(f"{FORMER}/{name}")
    before = host.text(f"{FORMER}/example.org.dkim.key")
    former.move(host)
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING, "dkim-ed25519": NEXT}
    assert host.text(f"{state.DKIM_FOLDER}/example.org.dkim.key") == before


@needs_root
def test_the_folder_of_an_admin_who_set_up_rspamd_is_not_ours(victim: Victim) -> None:
    host = victim.host
    host.remove(state.DKIM_KEYS)    # smallmail was never here
    victim.folder(FORMER, "_rspamd")
    former.move(host)
    assert not host.exists(state.DKIM_FOLDER)
    dkim_keys.ensure(host, [DOMAIN])
    assert sorted(host.names(FORMER)) == FILES


@needs_root
@pytest.mark.parametrize(("replaced", "sentence"), [
    ("link", "is a symbolic link in a folder that another user can change"),
    ("other", "does not belong to root alone"),
    ("writable", "does not belong to root alone"),
])
def test_a_folder_that_is_not_roots_is_told(victim: Victim, replaced: str, sentence: str) -> None:
    host = victim.host
    his = victim.folder("var/lib/rspamd/his", "_rspamd", 0o775)
    if replaced == "writable":
        os.chown(host.path(FORMER), 0, USERS["_rspamd"])
        os.chmod(host.path(FORMER), 0o770)
    else:
        os.rename(host.path(FORMER), host.path("var/lib/rspamd/away"))
        os.symlink("his" if replaced == "other" else victim.canary, host.path(FORMER))
    (his / "keys.json").write_text("[]")
    with pytest.raises(Problem, match=sentence):
        former.move(host)
    assert not host.exists(state.DKIM_FOLDER)
    victim.assert_untouched()


@needs_root
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("how", "sentence"), [
    ("link", "it is not followed"), ("fifo", "is not a file"), ("hard link", "has another name as well"),
    ("owner", "belongs to another user"), ("large", "is too large"), ("folder", "is not a file"),
    ("hostile", "not a private key|cannot be read")])
def test_a_file_that_is_not_a_key_is_told(victim: Victim, name: str, how: str, sentence: str) -> None:
    """Root alone can have put it there, and it is refused all the same."""
    path = victim.root / FORMER / name
    path.unlink()
    if how == "link":
        path.symlink_to(victim.canary / name)
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "hard link":
        hard_link(path, victim.canary)
    elif how == "folder":
        path.mkdir()
    else:
        path.write_text("x" * (5 << 20) if how == "large" else json.dumps([{"domain": "../../etc/cron.d/x"}]))
        if how == "owner":
            os.chown(path, USERS["bob"], 0)
    with pytest.raises((Problem, walk.Diverted), match=sentence) as told:
        former.move(victim.host)
    assert f"/{FORMER}/{name}" in str(told.value) and "\n" not in str(told.value)
    assert not victim.host.exists(state.DKIM_LIST)
    victim.assert_untouched()
