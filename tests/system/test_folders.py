"""Every name that IMAP allows is a folder's name, in every way in which mail programs use it."""

from __future__ import annotations

import imaplib
from pathlib import Path

import pytest

from tests.lab import World, packages, roots
from tests.support import folders, letters
from tests.support.fixtures import Installed, Record
from tests.support.folders import NAMES, REFUSED, encoded, quoted
from tests.support.imap import done
from tests.support.mail_host import ALICE, BOB, NAME, PASSWORD, MailHost

CAROL, DORA = "carol@example.org", "dora@example.org"
HOME = "/srv/mail/example.org/"


@pytest.fixture
def carol(host: MailHost) -> str:
    return with_mailbox(host, CAROL)


def with_mailbox(host: MailHost, address: str) -> str:
    """Make a mailbox; an earlier one of that name leaves nothing."""
    host.machine.run(f"smallmail user remove {address}", check=False)
    host.machine.run(["rm", "-rf", HOME + address.partition("@")[0]])
    host.smallmail("user add --password-stdin " + address, PASSWORD + "\n")
    return address


def test_every_name_works(host: MailHost, carol: str, record: Record) -> None:
    connection = host.imap(carol)
    before = set(folders.listed(connection))
    for name in NAMES:
        done(connection.create(quoted(name)))
        done(connection.subscribe(quoted(name)))
        done(connection.append(quoted(name), "", "", letters.plain(BOB, carol, "in it")))
    assert set(folders.listed(connection)) - before == {encoded(name) for name in NAMES}
    assert {encoded(name) for name in NAMES} <= set(folders.listed(connection, "LSUB"))
    for name in NAMES:
        assert connection.select(quoted(name)) == ("OK", [b"1"]), name
    connection.select("INBOX")
    for name in NAMES:
        if not name.startswith("INBOX/"):
            done(connection.rename(quoted(name), quoted("moved here")))
            done(connection.rename(quoted("moved here"), quoted(name)))
    assert set(folders.listed(connection)) - before == {encoded(name) for name in NAMES}
    for name in sorted(NAMES, key=len, reverse=True):
        done(connection.unsubscribe(quoted(name)))
        done(connection.delete(quoted(name)))
    assert set(folders.listed(connection)) == before
    connection.logout()
    record(f"{len(NAMES)} names created, listed, subscribed, selected, renamed and deleted")


def test_what_is_no_name_is_refused_and_harms_nothing(host: MailHost, carol: str) -> None:
    look = f"ls -A {HOME} {HOME}carol {HOME}..; ls -d {HOME}../x {HOME}../absolute"
    connection = host.imap(carol)
    before, outside = folders.seen(connection), host.machine.run(look, check=False).stdout
    for name, why in REFUSED.items():
        code, said = connection.create(quoted(name))
        assert code == "NO" and why in said[0].decode(), (name, said)
    assert folders.seen(connection) == before
    connection.logout()
    assert host.machine.run(look, check=False).stdout == outside


def test_sieve_files_into_such_folders(host: MailHost, carol: str) -> None:
    rules = ["Dr. Jones/2024", "~tilde", "Ελλάδα", "100%"]
    script = 'require ["fileinto", "mailbox"];\n' + "".join(
        f'if header :is "Subject" "to {number}" {{ fileinto :create "{name}"; }}\n'
        for number, name in enumerate(rules))
    host.machine.run(f"doveadm sieve put -a -u {carol} own", input=script)
    for number, name in enumerate(rules):
        host.world.send(BOB, carol, letters.plain(BOB, carol, f"to {number}"), to=host.machine)
        host.expect(quoted(name), f"to {number}", carol)


def test_a_new_mailbox_has_the_new_layout_whoever_comes_first(host: MailHost) -> None:
    for address, comes in ((CAROL, "a letter"), (DORA, "a mail program")):
        with_mailbox(host, address)
        if comes == "a letter":
            host.world.send(BOB, address, letters.plain(BOB, address, "first"), to=host.machine)
        connection = host.imap(address)
        done(connection.select("INBOX"))
        connection.logout()
        host.expect("INBOX", "first", CAROL)
        made = host.machine.run(["ls", "-A", HOME + address.partition("@")[0] + "/mail"]).stdout.split()
        assert "mailboxes" in made and "cur" not in made and not any(name.startswith(".") for name in made)


MBSYNC = f"""\
IMAPStore far
Host {NAME}
User {ALICE}
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile /var/lib/smallmail/tls/current/fullchain.pem

MaildirStore near
SubFolders Verbatim
Path /root/near/
Inbox /root/near/INBOX

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Sync All
SyncState *
"""
# isync's own Maildir has at most ten levels, and no folders that are called "cur" or "new".
PUSHED = ["Dr. Jones", "Dr. Jones/2024", "Some Stuff...", "Projekte/2024", ".hidden", "~tilde", "a.b.c", "100%", "a&b",
          "x" * 200, "deep/" * 8 + "folder"]


@pytest.mark.slow
def test_mbsync_pushes_and_pulls_them(suite: str, deb: Path, world: World, installed: Installed,
                                      record: Record) -> None:
    """isync stops at the first folder that the server refuses."""
    # Up to 1.4, isync calls its own folders as IMAP does; since then, in UTF-8.
    near = encoded if suite == "bookworm" else str
    with MailHost(suite, deb, world, installed=installed(suite)) as host:
        packages.offer(host.machine, *roots.fetched(suite, "isync"))
        host.machine.run("apt-get -y --no-install-recommends install isync")
        host.machine.write("/root/.mbsyncrc", MBSYNC)
        for number, name in enumerate(PUSHED):
            folder = f"/root/near/{near(name)}"
            host.machine.run(["mkdir", "-p", f"{folder}/cur", f"{folder}/new", f"{folder}/tmp"])
            host.machine.write(f"{folder}/new/{number}.host", letters.plain(BOB, ALICE, f"pushed {number}"))
        said = host.machine.run("mbsync -a 2>&1").stdout
        for number, name in enumerate(PUSHED):
            assert host.subjects(quoted(name)) == [f"pushed {number}"], (name, said)
        connection = host.imap()
        for name in PUSHED:
            done(connection.append(quoted(name), "", "", letters.plain(BOB, ALICE, "pulled")))
        done(connection.create(quoted("日本語.x")))
        connection.logout()
        said = host.machine.run("mbsync -a 2>&1").stdout
        found = host.machine.run("grep -rl '^Subject: pulled' /root/near | sed 's,/[a-z]*/[^/]*$,,' | sort").stdout
        assert found.splitlines() == sorted(f"/root/near/{near(name)}" for name in PUSHED), said
        assert host.machine.run(["ls", "/root/near/" + near("日本語.x")]).stdout, said
        record(f"{len(PUSHED)} folders pushed, and pulled")


@pytest.mark.slow
def test_a_copy_by_imap_is_complete(host: MailHost, carol: str, record: Record) -> None:
    """What imapsync does: list, create with the target's separator, append, subscribe."""
    with_mailbox(host, DORA)
    source, target = host.imap(carol), host.imap(DORA)
    for name in NAMES:
        done(source.create(quoted(name)))
        done(source.append(quoted(name), r"(\Seen Work)", "", letters.plain(BOB, ALICE, "copied")))
    copy(source, target)
    before, after = folders.seen(source), folders.seen(target)
    assert before.folders.keys() == after.folders.keys()
    for name, folder in before.folders.items():
        assert list(after.folders[name].messages.values()) == list(folder.messages.values()), name
    record(f"{len(after.folders)} folders copied")


def copy(source: imaplib.IMAP4, target: imaplib.IMAP4) -> None:
    existing = set(folders.listed(target))
    for name, folder in folders.seen(source).folders.items():
        argument = '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
        if name not in existing:
            done(target.create(argument))
        for flags, letter in folder.messages.values():
            done(target.append(argument, " ".join(sorted(flag.decode() for flag in flags)), "", letter))
