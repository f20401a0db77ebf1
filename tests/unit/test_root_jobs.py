"""All that root does in folders that belong to others, against all that these can put there.

Root's code reaches files by Host, which machine/test_walk.py attacks. So a table names each other way, with the reason
why it is safe; and each of root's jobs runs here while the folders of smallmail's users are attacked.
"""

from __future__ import annotations

import ast
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import smallmail
from smallmail.check.groups import host as host_group, mail, mailboxes
from smallmail.configuration import prepare
from smallmail.daemons import rspamd, rspamd_controller
from smallmail.dkim import former, keys as dkim_keys, signing
from smallmail.errors import EXPECTED
from smallmail.limits import configured
from smallmail.machine import probes, state, stock_store
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from tests.unit.attackers import ATTACKS, Victim, attack, needs_root
from tests.unit.machine.test_walk import SWAPPER, patience

PACKAGE = Path(smallmail.__file__).parent
SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org",
                     "mail-directory": "/home/bob/mail"})

# Each folder that another user owns, or that is in one of theirs: its owner, and a name in it that root may ask for.
OTHERS = {
    **{path: (permissions.owner, "file") for path, permissions in state.FOLDERS.items() if permissions.owner != "root"},
    state.SIEVE: ("vmail", "junk.svbin"),
    state.RSPAMD: ("_rspamd", "controller.sock"),
    state.SPOOL: ("_rspamd", "milter.sock"),
    state.LEARNING: ("vmail", "1-2.spam"),
    state.LIMITS: ("smallmail-limits", "sent.db"),
    state.ALARMS: ("smallmail-limits", "1"),
    state.LIMITS_SPOOL: ("smallmail-limits", "policy.sock"),
    state.LOGINS: ("smallmail-limits", "reports.sock"),
    "home/bob": ("bob", "mail"),
    "home/bob/mail": ("vmail", "file"),
    "var/lib/rspamd": ("_rspamd", "dkim"),
    state.DKIM_FORMER_FOLDER: ("root", "keys.json"),
    "var/spool/postfix/private": ("postfix", "dovecot-lmtp"),
    "run/smallmail-redis": ("_rspamd", "redis.sock"),
    "var/lib/redis": ("redis", "dump.rdb"),
    "etc/redis": ("redis", "redis.conf"),
}

# What may take a path past Host (host.path, os, open, shutil), and why that is safe: these paths are root's alone.
PAST_HOST = {
    "accounts/database.py": "the databases are in state.FOLDER",
    "backup/copies.py": "the databases are in state.FOLDER; that of the limits is read as its user",
    "backup/restic.py": "names the repository, the admin's own, to restic",
    "backup/mailbox.py": "reads in state.MACHINE, writes as vmail (machine/as_user.py)",
    "backup/restore.py": "state.MACHINE, and the mail directory while it is root's alone",
    "backup/saved.py": "names what is saved to restic, which follows no link",
    "backup/take.py": "asks how full a disk is (statvfs), and whether a file exists (lstat)",
    "bans/serving.py": "names the socket, as mailbans",
    "check/groups/host.py": "asks how full a disk is (statvfs), no more",
    "check/status.py": "descriptors of walk.py",
    "check/groups/security.py": "asks for permissions (lstat), no more",
    "check/groups/updates.py": "times of apt's and dpkg's files",
    "configuration/arrival/owners.py": "descriptors of walk.py; nobody but root can enter meanwhile",
    "configuration/render.py": "our templates",
    "configuration/ucf.py": "a temporary file of its own",
    "configuration/apply.py": "our templates",
    "configuration/hand_back.py": "no path of the host: splits names",
    "daemons/facts.py": "dpkg's list, and a file in state.FOLDER",
    "daemons/packaged.py": "files below /etc",
    "daemons/postfix_maps.py": "times of Postfix's own files",
    "daemons/rspamd.py": "names the stage to rspamadm, which runs as Rspamd's user",
    "daemons/postconf.py": "names the stage to postconf",
    "daemons/postfix.py": "names the stage to Postfix",
    "daemons/dovecot.py": "names the stage to Dovecot",
    "dkim/former.py": "descriptors of walk.py",
    "dkim/keys.py": "time of a key in state.DKIM_FOLDER, which is root's",
    "folders/convert.py": "runs as vmail (machine/as_user.py)",
    "folders/former.py": "runs as vmail (machine/as_user.py)",
    "folders/files.py": "runs as vmail (machine/as_user.py)",
    "folders/looking.py": "descriptors of walk.py",
    "folders/moves.py": "runs as vmail (machine/as_user.py)",
    "folders/scripts.py": "runs as vmail (machine/as_user.py)",
    "folders/names.py": "no path of the host: splits names",
    "machine/stock_store.py": "dpkg's and apt's lists",
    "programs/folders.py": "names the mail directory to a process that runs as vmail",
    "limits/alarms.py": "only its own number",
    "limits/configured.py": "runs as smallmail-limits; the file is in state.FOLDER",
    "limits/memory.py": "runs as smallmail-limits, in a folder of that user",
    "limits/service.py": "runs as smallmail-limits, in folders of that user",
    "programs/limits.py": "runs as smallmail-limits",
    "machine/as_user.py": "becomes another user",
    "machine/host.py": "walk.py; the lock and the stage are in state.FOLDER",
    "folders/volume.py": "descriptors of walk.py; vmail makes the marker",
    "machine/peers.py": "/proc",
    "machine/reach.py": "asks for permissions (lstat), no more",
    "machine/port_holders.py": "/proc and /etc/systemd",
    "machine/probes.py": "a descriptor of walk.py",
    "machine/staging.py": "the stage is in state.FOLDER; the ends of links are walk.py's",
    "machine/services.py": "/run/systemd",
    "resources.py": "/proc and /sys",
    "machine/state.py": "state.RECORD",
    "machine/walk.py": "the way itself",
    "programs/learn.py": "runs as vmail, in vmail's folder",
    "programs/peer.py": "runs as nobody, and reads /proc",
    "programs/package.py": "only the environment",
    "settings/ask.py": "/etc/smallmail",
    "settings/file_reader.py": "/etc/smallmail",
    "settings/questions.py": "/etc, and files that an admin names to debconf",
    "tls/served.py": "names a certificate in state.TLS to openssl",
    "tls/certificate.py": "names a key in state.TLS to openssl",
    "accounts/passwords.py": "a terminal",
    "tls/obtain.py": "syncs the disk",
    "caller.py": "/dev/null",
    "utf8.py": "starts this very program once more",
    "__init__.py": "our own version",
}
HARMLESS = {"O_RDONLY", "environ", "urandom", "fork", "sync", "sysconf", "cpu_count", "geteuid", "sched_getaffinity"}


# What root does in these folders.
JOBS: dict[str, Callable[[Host], object]] = {
    "apply makes folders": lambda host: list(prepare._folders(host, SETTINGS)),
    "an upgrade forgets compiled scripts": prepare.forget_compiled,
    "an upgrade moves keys": former.move,
    "the timer deletes former keys": former.forget,
    "the timer reads keys": dkim_keys.load,
    "check asks the controller": mail._verdict,
    "check asks the store": lambda host: mail._asked(host, mail._STORE, b"PING\r\n"),
    "check asks Dovecot": lambda host: [probes.connects(host.root, "var/spool/postfix/" + name)
                                        for name in mail._SOCKETS],
    "check asks the milter": lambda host: probes.connects(host.root, rspamd.MILTER),
    "apply makes the folders of the limits": lambda host: list(configured.prepare(host, SETTINGS)),
    "verify asks the limits": lambda host: probes.connects(host.root, state.LIMITS_SOCKET),
    "an installation looks at Debian's store": lambda host: (
        host.names(stock_store.STORES["redis-server"]),
        stock_store.is_as_packaged(host, {"Package": "redis-server",
                                          "Conffiles": " /etc/redis/redis.conf " + 32 * "0"})),
    "check looks at a mailbox": lambda host: list(mailboxes.mailbox(host, "/home/bob/mail", "dkim@file", "-enotify")),
    "check measures disks": lambda host: host_group.space(host, SETTINGS.mail_directory),
}


@pytest.fixture
def victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Victim:
    victim = Victim(tmp_path, monkeypatch)
    for path, (owner, _) in OTHERS.items():
        victim.folder(path, owner, 0o750)
    for path in (state.DKIM_KEYS, state.DKIM_FORMER):
        (tmp_path / path).write_text("keys.json\nexample.org.dkim.key\n")
    return victim


@needs_root
@pytest.mark.parametrize("how", ATTACKS, ids=lambda how: how.__name__)
@pytest.mark.parametrize("path", OTHERS)
def test_no_job_of_roots_touches_what_is_elsewhere(victim: Victim, path: str,
                                                   how: Callable[[Path, Path], None]) -> None:
    attack(how, victim.root / path / OTHERS[path][1], victim.canary)
    for run in JOBS.values():
        with contextlib.suppress(*EXPECTED), patience(20):
            run(victim.host)
        victim.assert_untouched()


@needs_root
@pytest.mark.parametrize("job", JOBS)
def test_no_job_of_roots_is_led_away_in_mid_work(victim: Victim, job: str) -> None:
    """All that the users can rename they exchange for links to root's folder, all the time."""
    swappers = []
    for path in ("home/bob/mail", state.DKIM_FORMER_FOLDER, state.SIEVE + "/junk.svbin"):
        victim.folder(path, "root")
        link = victim.root / (path + "-link")
        link.symlink_to(victim.canary)
        swappers.append(subprocess.Popen([sys.executable, "-c", SWAPPER, victim.root / path, link]))
    deadline = time.monotonic() + 1.5
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(*EXPECTED):
                JOBS[job](victim.host)
    finally:
        for swapper in swappers:
            swapper.kill()
            swapper.wait()
    victim.assert_untouched()


@needs_root
def test_a_compiled_script_that_is_a_folder_stays(victim: Victim) -> None:
    for name in ("junk.svbin", "x.svbin/inside", "other"):
        (victim.root / state.SIEVE / name).parent.mkdir(exist_ok=True)
        (victim.root / state.SIEVE / name).write_text("x")
    prepare.forget_compiled(victim.host)
    assert sorted(victim.host.names(state.SIEVE)) == ["other", "x.svbin"]


def test_every_way_past_host_is_known() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (
                    (node.value.id == "os" and node.attr not in HARMLESS | {"path"}) or node.value.id == "shutil"
                    or (node.value.id in ("host", "stage", "self") and node.attr == "path")):
                found.add(str(path.relative_to(PACKAGE)))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                found.add(str(path.relative_to(PACKAGE)))
    assert found - set(PAST_HOST) == set(), "by which way, and why can nobody change it?"


@contextlib.contextmanager
def answering(victim: Victim, *parts: bytes, pause: float = 0.0) -> Iterator[None]:
    """Somebody on the controller's socket who answers so."""
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(victim.root / state.RSPAMD)
        server.bind("controller.sock")
        os.chdir(here)
        server.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    for part in parts:
                        connection.sendall(part)
                        time.sleep(pause)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.close()


HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@needs_root
@pytest.mark.parametrize("body", [b"", b"[]", b"5", b'"x"', b"[" * 100000, b'{"a":' * 50000, b"\xff\0",
                                  b"{" * (3 << 20), b'{"dkim-signature": {"a": 1}}', b'{"dkim-signature": [5, null]}'],
                         ids=lambda body: str(body[:20]))
def test_a_hostile_answer_is_one_sentence(victim: Victim, body: bytes) -> None:
    with answering(victim, HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body), patience(20), \
            contextlib.suppress(ValueError, OSError):
        assert signing._signatures(victim.host, "example.org") == set()
    (victim.root / state.CONTROLLER).unlink()
    with answering(victim, HEAD + b"\r\n", body), patience(20):
        findings = list(mail.scanner(mail._verdict(victim.host), True))
    assert len(findings) == 1


@needs_root
def test_an_answer_without_an_end_ends(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rspamd_controller, "_WHOLE_ANSWER", 1.0)
    for slow in (b"HTTP/1.1 200 OK\r\n", HEAD + b"Content-Length: 99\r\n\r\n"):
        with answering(victim, slow, *[b"x"] * 50, pause=0.1), patience(10), contextlib.suppress(OSError):
            rspamd_controller.scanned(victim.host, b"x")
        (victim.root / state.CONTROLLER).unlink()
