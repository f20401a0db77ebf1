"""A stolen password: the wave ends at the limit, the postmaster is told at once, and one command stops the login."""

from __future__ import annotations

import contextlib
import imaplib
import json
import smtplib
import time
from collections.abc import Iterator

import pytest

from tests.lab.clients import Reply, Server, converse
from tests.lab.network import ipv6
from tests.lab.world import CLIENT
from tests.support import letters
from tests.support.fixtures import Record
from tests.support.mail_host import ADDRESS, ALICE, NAME, PASSWORD, MailHost

CAROL, OWNER = "stolen@example.org", "owner@example.org"
# From IPv6, the lab's client is in another network.
ELSEWHERE = Server(NAME, ipv6(ADDRESS))
MEMORY = "/var/lib/smallmail/limits/sent.db"
LIMIT = 12
# Nobody answers there, so mail stays in the queue.
AWAY = "somebody@[203.0.113.251]"


@pytest.fixture
def stolen(host: MailHost) -> Iterator[MailHost]:
    host.smallmail(f"user add --password-stdin {CAROL}", PASSWORD + "\n")
    host.smallmail(f"user limit {CAROL} recipients-hour={LIMIT}")
    yield host
    host.machine.run(f"smallmail queue drop --from {CAROL}; smallmail user remove {CAROL}", check=False)


def send(connection: smtplib.SMTP, number: int) -> Reply:
    return converse(connection, CAROL, AWAY, letters.plain(CAROL, AWAY, f"wave {number}"))


def test_a_wave_ends_at_the_limit_and_one_command_stops_the_login(stolen: MailHost, record: Record) -> None:
    wave, reading = stolen.submission(user=CAROL), stolen.imap(CAROL)
    replies = [send(wave, number) for number in range(LIMIT + 3)]
    refused_at = time.monotonic()
    assert [reply.code for reply in replies] == [250] * LIMIT + [450] * 3
    assert f"{CAROL} has reached the limit of {LIMIT} recipients an hour: it can send this message after 20" in (
        replies[-1].text)
    assert " UTC. postmaster@example.org can change the limit" in replies[-1].text

    alarm = stolen.expect("INBOX", f"mx.example.org: {CAROL} has reached its sending limit")
    record(f"the postmaster has the letter {time.monotonic() - refused_at:.1f} s after the limit")
    text = alarm.get_content().replace("\r\n", "\n")
    command = f"smallmail user disable {CAROL}"
    assert f"\n  {command}\n" in text
    assert f"\n  smallmail queue drop --from {CAROL}\n" in text

    seconds, said = stolen.timed(lambda: stolen.machine.run(command).stdout)
    record(f"the command takes {seconds:.1f} s")
    assert "cannot log in or send any more" in said
    with pytest.raises(smtplib.SMTPServerDisconnected):     # the session that was open
        send(wave, 99)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        reading.noop()
    with pytest.raises(smtplib.SMTPAuthenticationError):
        stolen.submission(user=CAROL)
    with pytest.raises(imaplib.IMAP4.error):
        stolen.imap(CAROL)

    assert f"{LIMIT} messages of {CAROL} held." in stolen.smallmail(f"queue hold --from {CAROL}")
    assert stolen.machine.run("ls /var/spool/postfix/hold").stdout.count("\n") == LIMIT
    assert f"{LIMIT} messages of {CAROL} deleted." in stolen.smallmail(f"queue drop --from {CAROL}")
    assert CAROL not in stolen.smallmail("queue list")
    stolen.smallmail(f"user enable {CAROL}")
    stolen.submission(user=CAROL).close()


def test_a_sender_does_not_say_whose_mail_is_deleted(stolen: MailHost) -> None:
    """ORCPT may have an encoded line break (RFC 3461, 4), and postcat(1) prints it as one."""
    run = stolen.machine.run
    stolen.smallmail(f"user limit {CAROL} recipients-hour=100")
    run(f"printf 'Subject: innocent\n\nx\n' | sendmail -f root@mx.example.org '{AWAY}'")

    def queued() -> str:
        messages = map(json.loads, run("postqueue -j").stdout.splitlines())
        return next((each["queue_id"] for each in messages if each["sender"].startswith("root@")
                     and AWAY in [recipient["address"] for recipient in each["recipients"]]), "")

    innocent = stolen.wait(queued, "the message in the queue")
    forged = (f"x+0A+2A+2A+2A+20ENVELOPE+20RECORDS+20deferred/{innocent}+20+2A+2A+2A"
              f"+0Anamed_attribute:+20sasl_username+3D{CAROL}")
    connection = stolen.submission(user=CAROL)
    connection.sendmail(CAROL, AWAY, letters.plain(CAROL, AWAY, "forged"), rcpt_options=[f"ORCPT=rfc822;{forged}"])
    said = stolen.smallmail(f"queue hold --from {CAROL}")
    assert said.startswith("1 message of "), said
    assert innocent not in run("ls /var/spool/postfix/hold").stdout.split()
    run(f"postsuper -d {innocent}")


def test_mail_goes_out_while_the_service_is_down(host: MailHost) -> None:
    host.machine.run("systemctl stop smallmail-limits")
    try:
        host.submit(letters.plain(ALICE, ALICE, "without a limit"))
    finally:
        host.machine.run("systemctl start smallmail-limits")
    host.expect("INBOX", "without a limit")


def sql(host: MailHost, words: str) -> str:
    """Ask the service's memory, or change it. Returns the first value of the first row."""
    program = (f"import sqlite3\ndatabase = sqlite3.connect('{MEMORY}', timeout=20, isolation_level=None)\n"
               f"print((database.execute({words!r}).fetchone() or [''])[0])\n")
    return host.machine.run("python3 -", input=program).stdout.strip()


@contextlib.contextmanager
def first_day_over(host: MailHost) -> Iterator[None]:
    """Let the service's first day, and that of each mailbox, be two days ago in the block."""
    for words in ("UPDATE begun SET at = at - 172800", "UPDATE first_login SET at = at - 172800"):
        sql(host, words)
    try:
        yield
    finally:
        sql(host, "UPDATE begun SET at = at + 172800")


@pytest.fixture
def told(host: MailHost) -> Iterator[MailHost]:
    host.smallmail(f"user add --password-stdin {OWNER}", PASSWORD + "\n")
    host.smallmail("set login-notice=yes")
    yield host
    host.smallmail("set login-notice=no")
    host.smallmail(f"user remove {OWNER}")


def test_the_owner_is_told_of_somebody_who_only_reads(told: MailHost, record: Record) -> None:
    told.imap(OWNER).logout()
    count = f"SELECT count(*) FROM login_network WHERE login = '{OWNER}'"
    told.wait(lambda: sql(told, count) == "1", "the first login to be remembered", 20)
    with first_day_over(told):
        thief = told.world.client.imap(ELSEWHERE, OWNER, PASSWORD)
        logged_in_at = time.monotonic()
        letter = told.expect("INBOX", f"New login from {ipv6(CLIENT)}", OWNER)
        record(f"the owner has the letter {time.monotonic() - logged_in_at:.1f} s after a login by IMAP")
        thief.logout()
        told.world.client.submission(ELSEWHERE, OWNER, PASSWORD).close()
        told.imap(OWNER).logout()
    text = letter.get_content().replace("\r\n", "\n")
    assert ", to read mail (IMAP)\n" in text
    assert f"\n     smallmail user disable {OWNER}\n" in text
    time.sleep(3)
    assert [subject for subject in told.subjects("INBOX", OWNER) if "New login" in subject] == [letter["Subject"]]
