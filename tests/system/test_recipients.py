"""Who gets a message, how many copies, and who may log in: in a booted machine per suite."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.lab.world import World
from tests.support import letters
from tests.support.mail_host import ALICE, BOB, NAME, PASSWORD, MailHost

HANNA = "hanna@example.org"
SECOND = "example.info"  # a second domain of the host
NOBODY = "no-such-account"
Record = Callable[[str], None]

# Files what is sent to a tag into the tag's folder, as people do who use tags.
BY_TAG = """require ["envelope", "subaddress", "variables", "fileinto", "mailbox"];
if envelope :detail :matches "to" "?*" { fileinto :create "tag-${1}${2}"; }
"""


@pytest.fixture
def hanna(host: MailHost) -> MailHost:
    """The host with a mailbox for Hanna, who has aliases in two domains. They stay, as no other test knows them."""
    if HANNA not in host.smallmail("user list"):
        host.smallmail(f"domain add {SECOND}")
        host.smallmail(f"user add --password-stdin {HANNA}", PASSWORD + "\n")
        for alias in (f"one@example.org {HANNA}", f"two@example.org {HANNA}", "three@example.org one@example.org",
                      f"hanna@{SECOND} {HANNA}", f"out@example.org {BOB}", f"both@example.org {BOB}",
                      f"both@example.org {HANNA}", "pair@example.org hanna+c@example.org",
                      "pair@example.org hanna+d@example.org"):
            host.smallmail(f"alias add {alias}")
    return host


def _from_outside(host: MailHost, recipients: Sequence[str], subject: str) -> None:
    """Send one message with all these recipients, in one transaction."""
    connection = host.world.foreign.smtp(host.server)
    _converse(connection, BOB, recipients, letters.plain(BOB, ", ".join(recipients), subject))


def _submitted(host: MailHost, recipients: Sequence[str], subject: str) -> None:
    connection = host.submission(587, HANNA)
    _converse(connection, HANNA, recipients, letters.plain(HANNA, ", ".join(recipients), subject))


def _converse(connection: Any, sender: str, recipients: Sequence[str], letter: bytes) -> None:
    assert connection.mail(sender)[0] == 250
    for recipient in recipients:
        assert connection.rcpt(recipient)[0] == 250, recipient
    code, text = connection.data(letter)
    assert code == 250, text
    connection.quit()


def _copies(host: MailHost, subject: str, folder: str = "INBOX") -> int:
    """Wait until nothing is in the queue. Returns how many copies of the message Hanna has."""
    host.expect(folder, subject, HANNA)
    host.wait(lambda: "queue is empty" in host.machine.run("postqueue -p").stdout, "the queue to be empty")
    return host.subjects(folder, HANNA).count(subject)


@pytest.mark.parametrize("send", [_from_outside, _submitted])
@pytest.mark.parametrize("recipients", [
    (HANNA, "one@example.org"),
    ("one@example.org", "two@example.org"),
    ("three@example.org", "one@example.org", HANNA),
    (HANNA, f"hanna@{SECOND}"),
    (HANNA, HANNA.upper(), HANNA),
    ("both@example.org", HANNA),
    ("one+tag@example.org", "two+tag@example.org", "hanna+tag@example.org"),
], ids=lambda recipients: "-".join(recipient.partition("@")[0] for recipient in recipients))  # fmt: skip
def test_a_person_gets_one_copy(
    hanna: MailHost, send: Callable[[MailHost, Sequence[str], str], None], recipients: Sequence[str]
) -> None:
    subject = f"{send.__name__} {'-'.join(recipients)}"
    send(hanna, recipients, subject)
    assert _copies(hanna, subject) == 1


TAGGED = (HANNA, "hanna+a@example.org", "one+b@example.org")


def test_a_message_to_several_tags_is_in_the_inbox_once(hanna: MailHost) -> None:
    """OpenSMTPD, docker-mailserver: a copy for each address. Other messages are kept, though they look the same."""
    hanna.machine.run(f"doveadm sieve deactivate -u {HANNA}", check=False)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda number: _from_outside(hanna, TAGGED, f"to tags {number}"), range(20)))
    assert _copies(hanna, "to tags 0") == 1
    subjects = hanna.subjects("INBOX", HANNA)
    assert [subjects.count(f"to tags {number}") for number in range(20)] == [1] * 20
    for recipients in ([HANNA], ["hanna+a@example.org"], ["pair@example.org"]):
        _from_outside(hanna, recipients, "to tags 1")
    assert _copies(hanna, "to tags 1") == 4


def test_who_files_tags_has_a_copy_in_each_folder(hanna: MailHost) -> None:
    hanna.machine.write("/root/tag.sieve", BY_TAG)
    hanna.machine.run(f"doveadm sieve put -a -u {HANNA} tag </root/tag.sieve")
    _from_outside(hanna, TAGGED, "to be filed")
    assert [_copies(hanna, "to be filed", folder) for folder in ("INBOX", "tag-a", "tag-b")] == [1, 1, 1]


def test_a_role_and_its_person_get_one_copy(host: MailHost) -> None:
    recipients = (ALICE, "postmaster@example.org", "abuse@example.org", f"postmaster@{NAME}")
    _from_outside(host, recipients, "to Alice and her roles")
    host.expect("INBOX", "to Alice and her roles")
    host.wait(lambda: "queue is empty" in host.machine.run("postqueue -p").stdout, "the queue to be empty")
    assert host.subjects("INBOX").count("to Alice and her roles") == 1


def test_a_catch_all_adds_no_copy(hanna: MailHost) -> None:
    hanna.smallmail(f"alias add @example.org {HANNA}")
    try:
        _from_outside(hanna, (HANNA, "any@example.org", "other@example.org"), "to a catch-all")
        assert _copies(hanna, "to a catch-all") == 1
    finally:
        hanna.smallmail("alias remove @example.org")


def test_two_people_have_a_copy_each(hanna: MailHost) -> None:
    _from_outside(hanna, ("one@example.org", ALICE, HANNA), "to two people")
    assert _copies(hanna, "to two people") == 1
    assert hanna.expect("INBOX", "to two people")["Delivered-To"] == ALICE


def test_a_tag_reaches_sieve_and_no_other_host(hanna: MailHost, world: World) -> None:
    hanna.machine.write("/root/tag.sieve", BY_TAG)
    hanna.machine.run(f"doveadm sieve put -a -u {HANNA} tag </root/tag.sieve")
    recipients = ("hanna+direct@example.org", "one+alias@example.org", "both+mixed@example.org", "out+away@example.org")
    for recipient in recipients:
        subject = f"to {recipient}"
        _from_outside(hanna, [recipient], subject)
        tag = recipient.partition("@")[0].partition("+")[2]
        if not recipient.startswith("out"):
            assert _copies(hanna, subject, f"tag-{tag}") == 1
        if recipient.startswith(("out", "both")):
            world.foreign.expect(BOB, subject)
    hanna.smallmail(f"alias add @example.org {HANNA}")
    try:
        _from_outside(hanna, ["hanna+Caught@example.org"], "tag beside a catch-all")
        assert _copies(hanna, "tag beside a catch-all", "tag-Caught") == 1
    finally:
        hanna.smallmail("alias remove @example.org")


def test_a_tag_with_a_comma_adds_no_recipient(hanna: MailHost, world: World) -> None:
    hostile = '"both+x,eve@example.net,y"@example.org'
    connection = world.foreign.smtp(hanna.server)
    assert connection.docmd(f"MAIL FROM:<{BOB}>")[0] == 250
    if connection.docmd(f"RCPT TO:<{hostile}>")[0] == 250:
        connection.data(letters.plain(BOB, hostile, "a comma in a tag"))
        world.foreign.expect(BOB, "a comma in a tag")
    connection.close()
    assert world.foreign.mail("eve@example.net") == []


# Ways to write a local part at the host's own names.
OWN_NAMES = [
    "{}@" + NAME,
    "{}@" + NAME.upper(),
    "{}@" + NAME + ".",
    '"{}"@' + NAME,
    "{}+tag@" + NAME,
    "{}@localhost",
    "{}@localhost." + NAME,
    "{}@localhost.localdomain",
    "{}@[203.0.113.10]",
    "{}@[127.0.0.1]",
    "{}@[IPv6:::1]",
    "{}%" + NAME + "@" + NAME,
    "@" + NAME + ":{}@" + NAME,
    NAME + "!{}@" + NAME,
    "{}",
    "{}@",
]


@pytest.mark.parametrize("written", OWN_NAMES)
def test_a_stranger_cannot_tell_unix_accounts_from_others(host: MailHost, world: World, written: str) -> None:
    answers = set()
    for account in ("root", "daemon", "www-data", "vmail", "postfix", NOBODY):
        connection = world.foreign.smtp(host.server)
        connection.mail(BOB)
        code, text = connection.docmd(f"RCPT TO:<{written.format(account)}>")
        connection.close()
        assert code // 100 == 5, (account, code, text)
        answers.add((code, text.decode().replace(account, "ACCOUNT")))
    assert len(answers) == 1, answers


@pytest.mark.parametrize(
    "recipient", [f"postmaster@{NAME}", f"abuse@{NAME}", f"Postmaster@{NAME.upper()}", "postmaster"]
)
def test_a_stranger_reaches_the_roles_of_the_host(host: MailHost, recipient: str) -> None:
    """RFC 5321, 4.5.1; RFC 2142."""
    subject = f"to the role {recipient}"
    connection = host.world.foreign.smtp(host.server)
    _converse(connection, BOB, [recipient], letters.plain(BOB, f"postmaster@{NAME}", subject))
    host.expect("INBOX", subject)


BY_SMTP = f"""
import smtplib
with smtplib.SMTP("127.0.0.1", 25, "localhost") as connection:
    connection.sendmail("root@{NAME}", ["daemon@{NAME}"], "Subject: by SMTP from inside\\n\\nhello\\n")
"""


def test_mail_of_the_host_itself_reaches_its_accounts(host: MailHost) -> None:
    ways = {
        "as cron writes to root": "sendmail -FCronDaemon -i -B8BITMIME -oem root",
        "as cron writes to daemon": "sendmail -FCronDaemon -i -B8BITMIME -oem daemon",
        "to the full name": f"sendmail -i www-data@{NAME}",
        "to localhost": "sendmail -i daemon@localhost",
        "by the header": "sendmail -i -t",
    }
    for subject, command in ways.items():
        host.machine.run(command, input=f"To: root\nSubject: {subject}\n\nhello\n")
    host.machine.run("python3", input=BY_SMTP)
    for subject in [*ways, "by SMTP from inside"]:
        host.expect("INBOX", subject)
