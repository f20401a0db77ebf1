"""What was before does not stay where it should not: sessions, a removed mailbox's mail, mail in another directory."""

from __future__ import annotations

import imaplib
import smtplib
import time
from collections.abc import Iterator

import pytest

from tests.support import letters
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost

CLARA = "clara@example.org"
HOME = "/srv/mail/example.org/clara"
OTHER = "another horse battery"


@pytest.fixture
def clara(host: MailHost) -> Iterator[str]:
    host.smallmail("user add --password-stdin " + CLARA, PASSWORD + "\n")
    yield CLARA
    host.machine.run(f"smallmail user remove {CLARA}; rm -rf /srv/mail/.removed", check=False)


def ended(connection: imaplib.IMAP4 | smtplib.SMTP) -> bool:
    """Whether the server closes the connection within seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            connection.noop()
        except (OSError, imaplib.IMAP4.abort, smtplib.SMTPServerDisconnected):
            return True
        time.sleep(0.2)
    return False


def test_a_changed_password_ends_the_sessions(host: MailHost, clara: str) -> None:
    sessions = [host.imap(clara), host.submission(465, clara), host.submission(587, clara)]
    others = host.imap()
    host.smallmail("user passwd --password-stdin " + clara, OTHER + "\n")
    assert [ended(session) for session in sessions] == [True] * 3
    assert others.noop()[0] == "OK", "alice reads on"
    for port in (465, 587):
        host.wait(lambda port=port: host.submission(port, clara, OTHER).quit(), "submission to go on", 10)


def test_a_new_mailbox_has_nothing_of_the_former_one(host: MailHost, clara: str) -> None:
    host.world.send(BOB, clara, letters.plain(BOB, clara, "private"), to=host.server)
    host.expect("INBOX", "private", clara)
    host.machine.run(f"echo 'redirect \"{BOB}\";' >{HOME}/.dovecot.sieve; chown vmail: {HOME}/.dovecot.sieve")
    session = host.imap(clara)
    told = host.smallmail("user remove " + clara)
    assert ended(session)
    assert f"Its mail is kept in /srv/mail/.removed/{clara}-" in told
    host.smallmail("user add --password-stdin " + clara, PASSWORD + "\n")
    host.world.send(BOB, clara, letters.plain(BOB, clara, "to the new one"), to=host.server)
    host.expect("INBOX", "to the new one", clara)
    assert host.subjects("INBOX", clara) == ["to the new one"]
    assert host.machine.run(f"ls -A {HOME}").stdout.split().count(".dovecot.sieve") == 0
    host.smallmail("user remove " + clara)
    host.machine.run(f"rm -r $(ls -d /srv/mail/.removed/{clara}-* | tail -1)")
    host.smallmail("user restore --password-stdin " + clara, PASSWORD + "\n")
    assert host.subjects("INBOX", clara) == ["private"]
    assert host.machine.run(f"stat -c %U {HOME} {HOME}/.dovecot.sieve").stdout.split() == ["vmail"] * 2


def test_a_typo_makes_no_first_mailbox(host: MailHost) -> None:
    done = host.machine.run("smallmail set address=alcie@example.org </dev/null", check=False)
    sentence = "there is no mailbox alcie@example.org: create it first with 'smallmail user add alcie@example.org'"
    assert (done.returncode, done.stderr) == (2, f"smallmail: {sentence}\n")
    assert "alcie" not in host.smallmail("user list") + host.smallmail("alias list")


def test_another_mail_directory_waits_for_the_mail(host: MailHost) -> None:
    def move(source: str, target: str) -> None:
        run(f"systemctl stop dovecot && mkdir -p {target} && cp -a {source}/. {target}/")
        host.smallmail("set mail-directory=" + target)
        run("rm -r " + source)

    run = host.machine.run
    host.world.send(BOB, ALICE, letters.plain(BOB, ALICE, "before the move"), to=host.server)
    host.expect("INBOX", "before the move")
    done = run("smallmail set mail-directory=/srv/other", check=False)
    assert done.returncode == 1 and "type 'systemctl stop dovecot && mkdir -p /srv/other && cp -a" in done.stderr
    assert "Nothing to do." in host.smallmail("plan")
    move("/srv/mail", "/srv/other")
    host.expect("INBOX", "before the move")
    move("/srv/other", "/srv/mail")
    host.expect("INBOX", "before the move")
    assert "Nothing to do." in host.smallmail("plan")
