"""What a mailbox does when it is full, and which mail a vacation notice answers."""

from __future__ import annotations

import email.utils
import imaplib
import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab import World
from tests.support import letters
from tests.support.imap import done
from tests.support.mail_host import BOB, PASSWORD, MailHost

MIB = 1024 * 1024
VACATION = 'require ["vacation"];\nvacation :days 1 :subject "Bin weg" "bis spaeter";\n'


def limit(host: MailHost, user: str, size: int) -> None:
    """Give a mailbox a quota of its own, as `smallmail` will (accounts.db)."""
    change = f"UPDATE mailbox SET quota = {size} WHERE address = '{user}'"
    host.machine.run(["python3", "-c", f"""import sqlite3
with sqlite3.connect("/var/lib/smallmail/accounts.db") as database:
    database.execute({change!r})"""])


@pytest.fixture
def lenient(host: MailHost) -> Iterator[None]:
    """Letters go through without delay, whatever they score, but for the lab's spam."""
    changed = {"actions.conf": "reject = 1000;\nadd_header = 900;\ngreylist = 800;\n",
               "options.inc": "enable_test_patterns = true;\n"}  # fmt: skip
    for name, text in changed.items():
        host.machine.write(f"/etc/rspamd/override.d/{name}", text)
    host.machine.run(["systemctl", "restart", "rspamd"])
    host.machine.wait_port(11334)
    yield
    host.machine.run("rm /etc/rspamd/override.d/actions.conf; systemctl restart rspamd")
    host.machine.wait_port(11334)


def new_mailbox(host: MailHost, name: str) -> str:
    address = f"{name}@example.org"
    host.smallmail(f"user add --password-stdin {address}", f"{PASSWORD}\n")
    return address


def fill(connection: imaplib.IMAP4, user: str, size: int, count: int) -> int:
    """Put so many messages into the inbox, or until it is full; how many it took."""
    for number in range(count):
        answer, said = connection.append("INBOX", "", "", letters.big(BOB, user, size))
        if answer != "OK":
            assert b"[OVERQUOTA]" in said[0]
            return number
    return count


def used(connection: imaplib.IMAP4) -> int:
    """What counts, in KiB."""
    found = re.search(rb"STORAGE (\d+)", b"".join(connection.getquotaroot("INBOX")[1][1]))
    assert found
    return int(found[1])


def empty_by_copy(connection: imaplib.IMAP4, target: str) -> None:
    """As a mail program without MOVE deletes, a message at a time."""
    done(connection.select("INBOX"))
    for uid in connection.uid("SEARCH", "ALL")[1][0].split():
        done(connection.uid("COPY", uid, target))
        done(connection.uid("STORE", uid, "+FLAGS", r"(\Deleted)"))
        done(connection.uid("EXPUNGE", uid))


def empty_by_move(connection: imaplib.IMAP4, target: str) -> None:
    done(connection.select("INBOX"))
    done(connection.uid("MOVE", "1:*", target))


WAYS = pytest.mark.parametrize("empty", [empty_by_copy, empty_by_move])


@WAYS
def test_a_mailbox_at_its_limit_can_be_emptied(host: MailHost, empty: Callable[[imaplib.IMAP4, str], None]) -> None:
    user = new_mailbox(host, empty.__name__.replace("_", "-") + "-at")
    limit(host, user, 2 * MIB)
    connection = host.imap(user)
    assert fill(connection, user, 100_000, 30) < 30
    assert fill(connection, user, 1_000, 200) < 200
    empty(connection, "Trash")
    assert connection.select("INBOX")[1] == [b"0"]
    assert used(connection) == 0
    connection.logout()


@WAYS
def test_a_mailbox_beyond_its_limit_can_be_emptied(host: MailHost, empty: Callable[[imaplib.IMAP4, str], None]) -> None:
    user = new_mailbox(host, empty.__name__.replace("_", "-") + "-beyond")
    connection = host.imap(user)
    assert fill(connection, user, 700_000, 5) == 5
    connection.logout()
    limit(host, user, MIB)
    connection = host.imap(user)
    assert used(connection) > 1024
    empty(connection, "Trash")
    assert connection.select("INBOX")[1] == [b"0"]
    assert used(connection) == 0
    connection.select("Trash")
    done(connection.store("1:*", "+FLAGS", r"(\Deleted)"))
    done(connection.expunge())
    connection.logout()


def warnings(host: MailHost, user: str) -> list[str]:
    return [subject for subject in host.subjects("INBOX", user) if "% full" in subject]


def test_the_owner_is_warned_once_at_80_and_at_95_percent(host: MailHost, world: World) -> None:
    user = new_mailbox(host, "warned")
    sizes = [(750_000, []), (120_000, ["80"]), (80_000, ["80"]), (60_000, ["80", "95"])]
    limit(host, user, MIB)
    for _ in range(2):
        for size, percents in sizes:
            assert world.send(BOB, user, letters.big(BOB, user, size), to=host.machine).code == 250
            expected = [f"Your mailbox is {percent} % full" for percent in percents]
            host.wait(lambda expected=expected: warnings(host, user) == expected, f"the warnings {expected}")
        warning = host.messages("INBOX", user)[-1]
        assert warning["From"] == "postmaster@example.org" and warning["Auto-Submitted"] == "auto-generated"
        assert email.utils.parsedate_to_datetime(warning["Date"])
        connection = host.imap(user)
        empty_by_move(connection, "Trash")
        connection.logout()


@pytest.mark.parametrize("alias", ["", "press@example.org"])
def test_a_sender_hears_that_a_mailbox_is_full_and_no_more(host: MailHost, world: World, alias: str) -> None:
    user = new_mailbox(host, "full-" + (alias.partition("@")[0] or "itself"))
    if alias:
        host.smallmail(f"alias add {alias} {user}")
    limit(host, user, MIB)
    connection = host.imap(user)
    assert fill(connection, user, 100_000, 20) < 20
    connection.logout()
    asked = alias or user
    replies = [world.send(BOB, asked, letters.big(BOB, asked, 700_000), to=host.machine) for _ in range(2)]
    assert replies[0].code == 250, "the last message may exceed the limit"
    assert (replies[1].command, replies[1].code) == ("RCPT", 552)
    assert re.fullmatch(rf"5\.2\.2 <{asked}>: Recipient address rejected: Mailbox is full", replies[1].text)


@pytest.fixture
def away(host: MailHost, request: pytest.FixtureRequest) -> Iterator[str]:
    """A mailbox with the vacation notice of the issue, and an alias with its name and "-alias"."""
    user = new_mailbox(host, f"away{abs(hash(request.node.nodeid))}")
    alias = user.replace("@", "-alias@")
    host.smallmail(f"alias add {alias} {user}")
    host.machine.run(f"doveadm sieve put -a -u {user} away", input=VACATION)
    yield alias
    host.machine.run(f"doveadm sieve deactivate -u {user}")


def answers(world: World, writer: str) -> list[str]:
    return [message["Subject"] for message in world.mail(writer) if message["Auto-Submitted"]]


@pytest.mark.parametrize("detail", ["", "+shop"])
def test_a_vacation_notice_answers_mail_to_an_alias_once(host: MailHost, world: World, away: str, detail: str) -> None:
    address = away.replace("@", detail + "@")
    writer = f"writer{detail.strip('+')}@example.net"
    for number in range(2):
        letter = letters.plain(writer, address, f"hello {number}{detail}")
        assert world.send(writer, address, letter, to=host.machine).code == 250
        host.expect("INBOX", f"hello {number}{detail}", away.replace("-alias", ""))
    host.wait(lambda: answers(world, writer) == ["Bin weg"], "one answer")
    time.sleep(2)
    assert answers(world, writer) == ["Bin weg"]


@pytest.mark.usefixtures("lenient")
def test_a_vacation_notice_answers_nothing_but_letters_to_its_user(host: MailHost, world: World, away: str) -> None:
    user = away.replace("-alias", "")
    cases = {"list": {"List-Id": "<list.example.net>"}, "bulk": {"Precedence": "bulk"},
             "program": {"Auto-Submitted": "auto-generated"}, "bcc": {"To": "somebody@example.com"},
             "suppressed": {"X-Auto-Response-Suppress": "All"}, "group": {"To": "undisclosed-recipients:;"},
             "malice": {"To": f"m{user}"}}  # fmt: skip
    for name, fields in cases.items():
        writer = f"{name}@example.net"
        assert world.send(writer, away, letters.plain(writer, away, name, headers=fields), to=host.machine).code == 250
        host.expect("INBOX", name, user)
    spam = letters.spam("spammer@example.net", away, "spam")
    assert world.send("spammer@example.net", away, spam, to=host.machine).code == 250
    host.expect("Junk", "spam", user)
    # A domain without DMARC, because nothing shows that a bounce is the domain's.
    bounce = letters.plain("mailer-daemon@example.com", away, "bounce")
    assert world.send("", away, bounce, to=host.machine).code == 250
    host.expect("INBOX", "bounce", user)
    last = letters.plain("last@example.net", away, "last")
    assert world.send("last@example.net", away, last, to=host.machine).code == 250
    host.wait(lambda: answers(world, "last@example.net") == ["Bin weg"], "the answer to the last")
    assert [name for name in [*cases, "spammer"] if answers(world, f"{name}@example.net")] == []


def test_sieve_sees_the_mailbox_and_the_detail_behind_an_alias(host: MailHost, world: World) -> None:
    user = new_mailbox(host, "detailed")
    host.smallmail(f"alias add orders@example.org {user}")
    host.smallmail("alias add books@example.org detailed+books@example.org")
    host.machine.run(f"doveadm sieve put -a -u {user} own", input=(
        'require ["fileinto", "envelope", "subaddress", "mailbox", "variables"];\n'
        'if allof (envelope :matches :detail "to" "?*", envelope :is :user "to" "detailed") {\n'
        '  if envelope :matches :detail "to" "*" { fileinto :create "${1}"; }\n'
        "}\n"))  # fmt: skip
    for recipient, folder in [(user, "INBOX"), ("detailed+shop@example.org", "shop"), ("orders@example.org", "INBOX"),
                              ("orders+cash@example.org", "cash"), ("books@example.org", "books")]:  # fmt: skip
        letter = letters.plain(BOB, recipient, f"for {recipient}")
        assert world.send(BOB, recipient, letter, to=host.machine).code == 250
        host.expect(folder, f"for {recipient}", user)
