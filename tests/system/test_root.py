"""A hole in a daemon is not a hole of root's: links in the daemons' folders lead root nowhere, on a running host.

Up to 0.3.0 the DKIM keys were below a folder of Rspamd's user: an upgrade brings them away, with mail being sent.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab import World, packages, released, roots
from tests.lab.chroot import Chroot, Host
from tests.lab.installed import installed
from tests.support.fixtures import Record
from tests.support.host_state import differences, fingerprint
from tests.support.mail_host import ANSWERS, MailHost
from tests.support.traffic import traffic

SOURCE = pathlib.Path(__file__).parents[2]
OLD = [release for release in released.releases(SOURCE) if release.version == "0.3.0"]
FORMER, FOLDER = "/var/lib/rspamd/dkim", "/var/lib/smallmail/dkim"
TIMED = [f"smallmail-{name}.service" for name in ("certificate", "dkim", "check")]

# Exchanges a folder and a link to root's until it is killed.
EXCHANGE = """
cd /var/lib/rspamd; mkdir -p dkim; echo '[]' >dkim/keys.json; ln -sfn /etc link
exec python3 -c '
import os
while True:
    for source, target in (("dkim", "aside"), ("link", "dkim"), ("dkim", "link"), ("aside", "dkim")):
        os.rename(source, target)
'
"""
AS_RSPAMD = ["setpriv", "--reuid=_rspamd", "--regid=_rspamd", "--init-groups"]
LINKS = """
ln -sfn /etc /var/lib/smallmail/redis/damaged; ln -sfn /etc /var/lib/smallmail/rspamd/x.sock
mkfifo /var/lib/smallmail/rspamd/fifo /var/spool/postfix/smallmail/fifo
"""
LINKS_OF_VMAIL = """
cd /var/lib/smallmail/sieve; ln -s /etc/passwd a.svbin; mkdir -p x.svbin/y; mkfifo b.svbin
ln -s /etc/shadow /var/lib/smallmail/learning/1-2.spam; mkfifo /var/lib/smallmail/learning/1-3.ham
"""


# An upgrade makes users and installs nftables before it looks at the keys.
OF_NEW_PACKAGES = {"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/nftables.conf", "/etc/fuse.conf"}


def rights(host: Host, *folders: str) -> dict[str, list[str]]:
    """Kind, mode, owner and content of all files, without what an upgrade may write."""
    return {path: facts for path, facts in fingerprint(host, *folders).items()
            if not path.startswith(("/etc/smallmail", "/etc/systemd"))}


def chowned(changed: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Those of the changed files that existed before, and have another kind, mode or owner now."""
    return [path for path, (was, now) in changed.items() if was and was[0] != now[0]]


def listed(host: Host) -> list[dict[str, object]]:
    """The keys in their list, without what the name servers were last seen to lack."""
    return [{**key, "waiting": []} for key in json.loads(host.read(f"{FOLDER}/keys.json"))]


@contextmanager
def attacked(host: MailHost) -> Iterator[None]:
    """Rspamd's user and vmail do what they can, until the end of the block."""
    machine = host.machine
    machine.run([*AS_RSPAMD, "sh", "-c", LINKS])
    machine.run(["setpriv", "--reuid=vmail", "--regid=vmail", "--init-groups", "sh", "-c", LINKS_OF_VMAIL])
    machine.run(["systemd-run", "-q", "--unit=attack", *AS_RSPAMD, "sh", "-c", EXCHANGE])
    try:
        yield
        assert machine.run("systemctl is-active attack").stdout == "active\n"
    finally:
        machine.run("systemctl stop attack; cd /var/lib/rspamd; rm -rf dkim link aside"
                    " /var/lib/smallmail/redis/damaged /var/lib/smallmail/rspamd/x.sock /var/lib/smallmail/rspamd/fifo"
                    " /var/spool/postfix/smallmail/fifo /var/lib/smallmail/sieve/x.svbin"
                    " /var/lib/smallmail/learning/*", check=False)


def test_links_in_the_daemons_folders_lead_root_nowhere(host: MailHost, record: Record) -> None:
    for _ in range(2):      # what they do the first time, and what they see of it the next time
        host.machine.run(["systemctl", "start", *TIMED])
    before, keys = rights(host.machine, "/etc", FOLDER), listed(host.machine)
    with attacked(host):
        host.machine.run(["systemctl", "start", *TIMED])
        host.smallmail("apply")
        host.machine.run(["dpkg-reconfigure", "-fnoninteractive", "smallmail-server"])
        for _ in range(20):
            host.smallmail("dkim list")
        host.machine.run("smallmail check host dns mail", check=False)
        host.machine.run(["systemctl", "start", TIMED[1]])
        assert listed(host.machine) == keys
        changed = differences(before, rights(host.machine, "/etc", FOLDER))
        assert set(changed) <= {f"{FOLDER}/keys.json"} and chowned(changed) == []
        compiled = set(host.machine.run("ls /var/lib/smallmail/sieve").stdout.split())
        assert "x.svbin" in compiled and not {"a.svbin", "b.svbin"} & compiled
    record(f"{len(before)} files of root's unchanged")


@pytest.mark.parametrize("release", OLD, ids=lambda release: release.version)
def test_an_upgrade_does_not_take_the_keys_of_another(release: released.Release, deb: Path) -> None:
    """Rspamd's user has put a link in the place of the keys: the upgrade says so, and goes on when it is gone."""
    old = released.rebuilt(SOURCE, release)
    with Chroot(installed("trixie", old, ANSWERS, needs=deb), "trixie-hole", network=True) as chroot:
        keys = chroot.run(f"cat {FORMER}/*").stdout
        # A folder of a lower layer cannot be renamed (overlayfs).
        chroot.run("cd /var/lib/rspamd && cp -a dkim again && rm -r dkim && mv again dkim")
        for what in ("/etc", "theirs"):
            chroot.run([*AS_RSPAMD, "sh", "-c", "cd /var/lib/rspamd && ([ -h dkim ] || mv -T dkim away)"
                        f" && mkdir -p theirs && ln -sfnT {what} dkim && cp away/keys.json theirs"])
            before = rights(chroot)
            packages.offer(chroot, deb)
            done = chroot.run(["apt-get", "-y", "--with-new-pkgs", "upgrade"], check=False)
            said = done.stdout + done.stderr
            assert done.returncode != 0 and f"smallmail-server: /{FORMER[1:]} " in said, said[-1000:]
            changed = differences(before, rights(chroot))
            assert set(changed) <= OF_NEW_PACKAGES and chowned(changed) == []
        chroot.run("cd /var/lib/rspamd && rm dkim && mv away dkim && rm -r theirs && dpkg --configure -a")
        assert chroot.run(f"cat {FOLDER}/*").stdout == keys
        assert "Nothing to do." in chroot.run("smallmail plan").stdout
        # A purge that deletes the keys, too, goes by no link.
        names = "/etc/keys.json /etc/example.org.dkim.key"
        chroot.run(f"echo ours >/etc/keys.json; cp {names}; cd {FORMER} && ls -l {names}")
        chroot.run([*AS_RSPAMD, "sh", "-c", "cd /var/lib/rspamd && mv -T dkim away && ln -s /etc dkim"])
        packages.preseed(chroot, deb, {"purge-mail": "true"})
        chroot.run(["apt-get", "-y", "purge", "smallmail-server"])
        assert chroot.run(f"cat {names}").stdout == "ours\n" * 2
        assert chroot.run(f"ls -d {FOLDER} /var/lib/smallmail /srv/mail", check=False).stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("release", OLD, ids=lambda release: release.version)
def test_an_upgrade_moves_the_keys_and_every_message_is_signed(release: released.Release, deb: Path, world: World,
                                                               record: Record) -> None:
    if reason := roots.available("trixie"):
        pytest.skip(reason)
    layers = installed("trixie", released.rebuilt(SOURCE, release), ANSWERS, needs=deb)
    with MailHost("trixie", deb, world, installed=layers) as host:
        run = host.machine.run
        run(["systemctl", "start", TIMED[1]])       # the second key signs, too
        keys = run(f"cd {FORMER}; sha256sum *.key").stdout
        with traffic(host, patient=True) as flow:
            packages.offer(host.machine, deb)
            run(["apt-get", "-y", "--with-new-pkgs", "upgrade"])
            upgraded = len(flow.signed)
            assert run(f"cd {FOLDER}; sha256sum *.key").stdout == keys
            run(["systemctl", "start", TIMED[1]])
            assert run(f"ls {FORMER} | wc -l").stdout.strip() == "3", "a process of Rspamd may still read them"
            run("touch -d -2min /var/lib/smallmail/dkim-signing.json")
            run(["systemctl", "start", TIMED[1]])
            assert run(f"ls -d {FORMER}", check=False).stdout == ""
            run("systemctl restart rspamd")
        assert len(flow.signed) > upgraded > 3
        record(f"{len(flow.signed)} messages during the upgrade and after it, all with two good signatures;"
               f" {flow.refused} connections were refused meanwhile")
