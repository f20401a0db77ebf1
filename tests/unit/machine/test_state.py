"""The table of state files is complete: nothing else spells their names, and the code makes no file beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import smallmail
from smallmail.accounts import first_mailbox
from smallmail.configuration import history, prepare, tree, ucf
from smallmail.configuration.transaction import commit, swap
from smallmail.machine import state, state_files, users
from smallmail.machine.host import Host
from smallmail.publishing import published
from smallmail.publishing.dns_plan import Entry
from smallmail.settings.fields import Settings
from smallmail.tls import tlsa

SOURCE = Path(__file__).parents[3]
PACKAGE = Path(smallmail.__file__).parent  # debian/tests looks at the installed one
SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org",
                     "certificate": "self-signed"})  # fmt: skip
PACKAGES = ("postfix", "dovecot-core", "rspamd")

# Lines of the manual page, for people: which folder has what.
PROSE = {"commands/manual.py"}


def named(text: str) -> set[str]:
    """All paths below our folders that a text spells."""
    folders = "|".join((state.FOLDER, state.DKIM_FORMER_FOLDER, state.SPOOL))
    return {found.rstrip("./") for found in re.findall(rf"(?:{folders})[\w./-]*", text)}


def is_known(path: str) -> bool:
    """Whether the table has that path, or a folder in which it is."""
    folders = [folder for folder in state.FOLDERS if folder != state.FOLDER] + [state.DKIM_FORMER_FOLDER]
    return path == state.FOLDER or path in state.FILES or any(f"{path}/".startswith(f"{folder}/") for folder in folders)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host on which the code has left all that it leaves."""
    monkeypatch.setattr(users, "ensure", lambda *_: None)   # it would make users on the machine that runs the tests
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text("".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 3.1\n\n" for name in PACKAGES))
    made = Host(str(tmp_path))
    first_mailbox.keep_hash(made, "{SHA512-CRYPT}$6$x")
    prepare.ensure(made, SETTINGS)
    tlsa.remember(made, "mx.example.org", waits="x")
    published.save(made, {Entry("example.org", "MX", "10 mx.example.org."): "example.org"})
    ucf.register(made, {}, [], ["etc/postfix/smallmail/domains.cf"])
    swap(made, history.added(made, "a test", {}, {}, tree.empty()))
    with made.lock(), made.stage(["etc/postfix"]):
        pass
    return made


def test_the_code_leaves_nothing_beside_the_table(host: Host) -> None:
    ours = (state.FOLDER, state.SPOOL)
    found = {str(path.relative_to(host.root)) for folder in ours for path in Path(host.path(folder)).rglob("*")}
    assert found >= {state.ACCOUNTS, state.PASSWORDS, state.DKIM_LIST, state.DKIM_KEYS, state.DKIM_CONF, state.TLSA,
                     state.PUBLISHED, state.UCF_FILES, state.JOURNAL, state.MAIL_DIRECTORY, state.FIRST_MAILBOX,
                     state.LOCK, state.HISTORY + "/000001.json", state.CURRENT}
    assert [path for path in sorted(found) if not is_known(path)] == []
    commit(host)
    assert not host.exists(state.JOURNAL)


def test_each_file_has_the_permissions_of_the_table(host: Host) -> None:
    for path, permissions in [*state.FILES.items(), *state.FOLDERS.items()]:
        if host.exists(path) and path not in (state.HISTORY,) and not path.endswith("lock"):
            assert os.stat(host.path(path)).st_mode & 0o7777 == permissions.mode, path


def test_nobody_else_spells_a_path() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        if name != "machine/state.py" and name not in PROSE:
            assert not named(path.read_text("utf-8")), f"{name}: say state.NAME"


def test_what_is_no_python_spells_only_what_the_table_knows() -> None:
    """Daemons' configuration, programs in sh and the maintainer scripts."""
    for folder in ("templates", "libexec", "debian", "share"):
        for path in (SOURCE / folder).rglob("*"):
            if path.is_file() and path.name != "changelog":
                unknown = {name for name in named(path.read_text("utf-8", "replace")) if not is_known(name)}
                assert not unknown - {state.CURRENT}, path


def test_postrm_reads_and_deletes_what_the_table_has() -> None:
    text = (SOURCE / "debian/smallmail-server.postrm").read_text("utf-8")
    assert f"\nSTATE=/{state.FOLDER}\n" in text
    assert {f"{state.FOLDER}/{name}" for name in re.findall(r"\$STATE/([\w-]+)", text)} == {
        state.MAIL_DIRECTORY, state.DKIM_KEYS, state.UCF_FILES, state.DKIM_FOLDER}  # fmt: skip
    assert f"rm -rf /etc/smallmail /{state.SPOOL} /{state.LIMITS_SPOOL}\n" in text
    assert "find $STATE -mindepth 1 -maxdepth 1 ! -name dkim -exec rm -rf {} +\n" in text
    assert f"for folder in $STATE/dkim /{state.DKIM_FORMER_FOLDER}; do\n" in text
    assert state.DKIM_FOLDER == state.FOLDER + "/dkim" and state.DKIM_LIST == state.DKIM_FOLDER + "/keys.json"
    beside = {path for path in [*state.FILES, *state.FOLDERS] if not path.startswith(state.FOLDER)}
    assert beside == {state.SPOOL, state.LIMITS_SPOOL}, "a purge has to know where else we keep state"


def test_smallmail_is_in_charge_while_there_is_a_record(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    state_files.write(host, state.LEFT, "{}\n")
    assert not state.in_charge(host.root), "removed"
    state_files.write(host, state.RECORD, "{}\n")
    assert state.in_charge(host.root)
