"""Who may send by which address without a login: UNIX users of this host, and the Sieve scripts of mailboxes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial

import pytest

from tests.lab import World
from tests.lab.network import ipv6
from tests.support import letters
from tests.support.corpus_mail import wait_sent
from tests.support.fixtures import Record
from tests.support.mail_host import ADDRESS, ALICE, BOB, PASSWORD, MailHost

ANNA, INFO, SHOP = "anna@example.org", "enquiries@example.org", "shop@example.org"
STRANGER = "x@example.com"
# By sendmail(1): its arguments, and the header.
FORGED_BY_SENDMAIL = [
    (f"-f {ALICE}", f"From: {ALICE}"),
    (f"-f {ALICE}", "X: no From"),
    (f"-f {ALICE} -F Alice", f"From: {STRANGER}"),
    (f"-r {ALICE}", f"From: {STRANGER}"),
    ("-f no-such-mailbox@example.org", f"From: {STRANGER}"),
    ("-f alice@shop.example.org", f"From: {STRANGER}"),
    ("-f '<>'", f"From: {ALICE}"),
    ("", f"From: {ALICE}"),
    ("", "From: Alice <ALICE@Example.ORG>"),
    ("", f'From: "x" (y)\n <{ALICE}>'),
    ("", 'From: "alice"@example.org'),
    ("", "From: alice+tag@example.org"),
    ("", "From: alice@example.org."),
    ("", "From: alice@shop.example.org"),
    ("", f"From: {STRANGER}, {ALICE}"),
    ("", f"From: Team: {ALICE};"),
    ("", f"From: {STRANGER}\nFrom: {ALICE}"),
    ("", f"From: <@relay.example:{ALICE}>"),
    ("", f"From: {STRANGER}\nSender: {ALICE}"),
    ("", f"From: {STRANGER}\nResent-From: {ALICE}"),
    ("", f"From: {STRANGER}\nResent-From: {STRANGER}\nResent-Sender: {ALICE}"),
    ("", f"X-Smallmail-Uid: 0\nFrom: {ALICE}"),
    ("", f"X-Smallmail-Uid : 0\nFrom: {ALICE}"),
    ("", f"Received: by mx.example.org (Postfix, from userid 0) id 1; now\nFrom: {ALICE}"),
    ("", f"X-Sieve-Redirected-From: {ALICE}\nFrom: {ALICE}"),
    ("-G", f"From: {ALICE}"),
    (f"-t -f {ALICE}", f"From: {ALICE}\nTo: {BOB}"),
    ("", f"From: {SHOP}"),
]
ALLOWED_BY_SENDMAIL = [
    ("", "X: no From"),
    ("-FCronDaemon -i -B8BITMIME -oem", "From: root (Cron Daemon)"),
    ("", "From: Cron Daemon <root@localhost>"),
    ("-f root", "From: root"),
    ("-f '<>'", "From: MAILER-DAEMON"),
    ("", "From: postmaster@example.org"),
    ("", "From: root+www-data@example.org"),
    ("", "From: www-data@mx.example.org"),
]
# By SMTP: the server's address, the port, the envelope sender and the header.
OWN_ADDRESSES = ["127.0.0.1", "::1", "127.0.1.1", ADDRESS, ipv6(ADDRESS)]
FORGED_BY_SMTP = [
    *((server, 25, sender, header) for server in OWN_ADDRESSES for sender, header in [
        (ALICE, f"From: {ALICE}"), ("www-data", f"From: {ALICE}"), (ALICE, f"X-Smallmail-Uid: 0\r\nFrom: {STRANGER}")]),
    *(("::1", 25, sender, header) for sender, header in [
        ("alice@example.org.", f"From: {STRANGER}"), ("@relay.example:alice@example.org", f"From: {STRANGER}"),
        ('"alice"@example.org', f"From: {STRANGER}"), ("", f"From: {ALICE}"), (STRANGER, "From: alice@example.org."),
        (STRANGER, f"From: {STRANGER}\r\nSender: {ALICE}"), (STRANGER, f"From: {STRANGER}\r\nResent-From: {ALICE}"),
        (STRANGER, f"X-Sieve-Redirected-From: {ALICE}\r\nFrom: {ALICE}")]),
    *(("127.0.0.1", port, sender, f"From: {ALICE}") for port in (325, 326, 327)
      for sender in (ALICE, "alice+forwarded@example.org", "")),
]  # fmt: skip
# Postfix does not take these for addresses of a mail domain.
HARMLESS_BY_SMTP = [("127.0.0.1", 25, sender, f"From: {STRANGER}") for sender in (
    "alice%example.org", "example.org!alice", "alice@example.org@localhost", "alice%example.org@localhost")]
SMTP = f"""\
import json, smtplib, sys
for server, port, sender, header in json.load(sys.stdin):
    connection = smtplib.SMTP(server, port, timeout=60)
    connection.ehlo("program.example")
    connection.docmd("MAIL", "FROM:<" + sender + ">")
    code, said = connection.docmd("RCPT", "TO:<{ANNA}>")
    if code == 250:
        try:
            code, said = connection.data(header + "\\r\\nSubject: by SMTP\\r\\n\\r\\nx\\r\\n")
        except smtplib.SMTPDataError as refused:
            code, said = refused.smtp_code, refused.smtp_error
    print(code, server, port, sender, header.encode(), said)
"""
SCAN = f"""\
import http.client, socket
for address in (("127.0.0.1", 11334), "/var/lib/smallmail/rspamd/controller.sock"):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    try:
        connection.sock.connect(address)
        connection.request("POST", "/checkv2", "From: {ALICE}\\r\\n\\r\\nx", {{"IP": "127.0.0.1", "User": "{ALICE}"}})
        print(connection.getresponse().status)
    except OSError as error:
        print(error.strerror)
"""
SCRIPTS_OF_OTHERS = [
    f':from "{ALICE}" "x"', ':from "boss@bank.example" "x"', ':from "postmaster@example.org" "x"',
    f':mime "From: {ALICE}\r\n\r\nx"', f':mime "Sender: {ALICE}\r\n\r\nx"',
    f':mime "Resent-From: {ALICE}\r\n\r\nx"',
    f':mime "X-Smallmail-Uid: 0\r\nX-Sieve-Redirected-From: {ANNA}\r\nFrom: {ALICE}\r\n\r\nx"',
]  # fmt: skip
OWN_SCRIPTS = [
    ('vacation :subject "{0}" "x";', ANNA), (f'vacation :subject "{{0}}" :from "Info <{INFO}>" "x";', f"Info <{INFO}>"),
    ('vacation :subject "{0}" :from "anna+work@example.org" "x";', "anna+work@example.org"),
    ('vacation :subject "{0}" :mime "Content-Type: text/html\r\n\r\n<b>x</b>";', ANNA),
    ('reject "{0}";', f"Postmaster <{ANNA}>"),
]  # fmt: skip


@pytest.fixture
def server(host: MailHost) -> Iterator[MailHost]:
    """The host with a mailbox, an alias of it, and a sender for one UNIX user. They stay: no other test knows them."""
    if ANNA not in host.smallmail("user list").split():
        host.smallmail(f"user add --password-stdin {ANNA}", PASSWORD + "\n")
    if INFO not in host.smallmail("alias list"):
        host.smallmail(f"alias add {INFO} {ANNA}")
    if SHOP not in host.smallmail("show"):
        host.smallmail(f"set local-senders=daemon:{SHOP}")
    yield host


def as_user(host: MailHost, user: str, command: str, given: str = "") -> str:
    """Run a line of sh as a UNIX user. Returns what it prints."""
    return host.machine.run(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "sh", "-c", command],
                            input=given, check=False).stdout


def sent(host: MailHost, user: str, letters_: list[tuple[str, str]], subject: str, recipient: str = BOB) -> None:
    """Send letters by sendmail(1), with numbers at the end of the subject, and wait until the queue is empty."""
    lines = [f"sendmail {arguments} {'' if '-t' in arguments.split() else recipient} <<'END'\n{header}\n"
             f"Subject: {subject} {number}\n\nx\nEND" for number, (arguments, header) in enumerate(letters_)]
    as_user(host, user, "\n".join(lines))
    wait_sent(host)


def test_no_unix_user_writes_as_somebody_else(server: MailHost, world: World, record: Record) -> None:
    sent(server, "www-data", FORGED_BY_SENDMAIL, "forged")
    sent(server, "bin", [(f"-f {SHOP}", f"From: {SHOP}"), ("", f"From: {SHOP}")], "of another user")
    subjects = [message["Subject"] for message in world.foreign.mail(BOB)]
    assert [subject for subject in subjects if subject.startswith(("forged", "of another"))] == []
    notices = [str(message) for message in server.messages("INBOX") if message["To"] == "root+www-data@example.org"]
    reason = re.compile(r"(?:may not send as|From header).*Subject: forged (\d+)", re.S)
    told = {found[1] for notice in notices if (found := reason.search(notice))}
    assert len(told) == len(FORGED_BY_SENDMAIL), "root is told of each one"
    record(f"{len(FORGED_BY_SENDMAIL)} forms tried, none got through, root was told of each one")


@pytest.fixture
def no_nftables(server: MailHost) -> Iterator[None]:
    """A host without nftables, which keeps users away from the ports between the daemons."""
    server.machine.run("systemctl stop smallmail-bans-packets.path; nft delete table inet smallmail_bans")
    yield
    server.machine.run("systemctl start smallmail-bans-packets.path smallmail-bans-packets.service")


@pytest.mark.usefixtures("no_nftables")
def test_nobody_writes_as_somebody_else_by_smtp(server: MailHost, record: Record) -> None:
    said = as_user(server, "www-data", f"python3 -c '{SMTP}'", json.dumps(FORGED_BY_SMTP)).splitlines()
    assert len(said) == len(FORGED_BY_SMTP)
    assert [line for line in said if not line.startswith("5")] == []
    record(f"{len(said)} tried, all refused")


def test_addresses_have_one_form(server: MailHost) -> None:
    wait_sent(server)
    started = server.machine.run("sleep 1; date +@%s").stdout.strip()
    said = as_user(server, "www-data", f"python3 -c '{SMTP}'", json.dumps(HARMLESS_BY_SMTP)).splitlines()
    wait_sent(server)
    log = server.machine.run(f"journalctl -q --no-pager -u 'postfix*' --since {started} | grep qmgr || true").stdout
    assert len(said) == len(HARMLESS_BY_SMTP) and f"from=<{ALICE}>" not in log


def test_system_mail_is_not_lost(server: MailHost, world: World) -> None:
    for user in ("www-data", "root"):
        sent(server, user, ALLOWED_BY_SENDMAIL, f"system mail of {user}", "root")
        subjects = server.subjects("INBOX")
        for number in range(len(ALLOWED_BY_SENDMAIL)):
            assert f"system mail of {user} {number}" in subjects
    sent(server, "www-data", [("", "X: no From")], "goes out")
    raw = world.foreign.expect(BOB, "goes out 0")
    assert world.verify_dkim(raw) and letters.parsed(raw)["From"].addresses[0].addr_spec == "root+www-data@example.org"
    assert b"X-Smallmail" not in raw


def test_a_sender_that_is_given_is_signed(server: MailHost, world: World) -> None:
    """By sendmail(1) and by port 25, where the kernel tells the user."""
    sent(server, "daemon", [(f"-f {SHOP}", f"From: Shop <{SHOP}>")], "given")
    connect = SMTP.replace(ANNA, BOB).replace("by SMTP", "given by SMTP")
    said = as_user(server, "daemon", f"python3 -c '{connect}'", json.dumps([("::1", 25, SHOP, f"From: {SHOP}")]))
    assert said.startswith("250")
    for subject in ("given 0", "given by SMTP"):
        raw = world.foreign.expect(BOB, subject)
        assert world.verify_dkim(raw) and letters.parsed(raw)["Return-path"] == f"<{SHOP}>"
        assert b"X-Smallmail" not in raw


def test_a_script_writes_as_its_owner_only(server: MailHost, world: World, record: Record) -> None:
    for number, arguments in enumerate(SCRIPTS_OF_OTHERS):
        _run_script(server, world, f'require "vacation"; vacation :subject "not mine" {arguments};', f"other{number}")
    subjects = server.subjects("INBOX", ANNA)
    assert all(f"to other{number}" in subjects for number in range(len(SCRIPTS_OF_OTHERS)))
    others = [f"other{number}@example.net" for number in range(len(SCRIPTS_OF_OTHERS))]
    assert [other for other in others if world.foreign.mail(other)] == []
    record(f"{len(SCRIPTS_OF_OTHERS)} scripts tried, no letter left; each message is in the inbox")


def test_what_a_script_writes_has_no_envelope_sender_and_is_signed(server: MailHost, world: World) -> None:
    for number, (script, author) in enumerate(OWN_SCRIPTS):
        subject = f"mine {number}"
        _run_script(server, world, 'require ["vacation", "reject"]; ' + script.format(subject), f"own{number}")
        raw = server.wait(partial(_first, world, f"own{number}@example.net"), subject)
        message = letters.parsed(raw)
        assert message["Return-path"] == "<>" and str(message["From"]) == author
        assert world.verify_dkim(raw) and b"X-Smallmail" not in raw


def _first(world: World, reader: str) -> bytes | None:
    return next(iter(world.foreign.received(reader)), None)


def _run_script(host: MailHost, world: World, script: str, writer: str) -> None:
    """Let a stranger write to anna, whose script this is, and wait until Dovecot has delivered the letter."""
    host.machine.run(f"doveadm sieve put -a -u {ANNA} senders", input=script)
    sender = f"{writer}@example.net"
    world.foreign.post(sender, ANNA, letters.plain(sender, ANNA, f"to {writer}"))
    wait_sent(host)


def test_enotify_is_refused_when_the_script_is_saved(server: MailHost) -> None:
    said = server.machine.run(f"doveadm sieve put -u {ANNA} notify 2>&1", check=False,
                              input='require "enotify"; notify "mailto:x@example.net";').stdout
    assert "unknown Sieve capability" in said and "enotify" in said


def test_no_unix_user_gets_a_signature_from_rspamd(server: MailHost) -> None:
    """Its controller scans what it is given, and would sign it."""
    said = as_user(server, "www-data", f"python3 -c '{SCAN}'")
    assert [line for line in said.splitlines() if not line.startswith(("401", "403", "Permission"))] == []
    assert len(said.splitlines()) == 2
