"""What mail programs do in a mailbox, and what it does by itself: emptied when it is full, its owner warned; vacation
notices; Rspamd taught by what is moved."""

from __future__ import annotations

import email.utils
import imaplib
import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab import World
from tests.system import letters
from tests.system.mailhost import ALICE, BOB, PASSWORD, MailHost

MOVES = 60
MIB = 1024 * 1024
VACATION = 'require ["vacation"];\nvacation :days 1 :subject "Bin weg" "bis spaeter";\n'
QUEUE = "/var/lib/smallmail/learning"


def limit(mail: MailHost, user: str, size: int) -> None:
    """Give a mailbox a quota of its own, as `smallmail` will (accounts.db)."""
    change = f"UPDATE mailbox SET quota = {size} WHERE address = '{user}'"
    mail.machine.run(["python3", "-c", f"""import sqlite3
with sqlite3.connect("/var/lib/smallmail/accounts.db") as database:
    database.execute({change!r})"""])


@pytest.fixture
def lenient(mail: MailHost) -> Iterator[None]:
    """Letters go through without delay, whatever they score, but for the lab's spam."""
    changed = {"actions.conf": "reject = 1000;\nadd_header = 900;\ngreylist = 800;\n",
               "options.inc": "enable_test_patterns = true;\n"}  # fmt: skip
    for name, text in changed.items():
        mail.machine.write(f"/etc/rspamd/override.d/{name}", text)
    mail.machine.run(["systemctl", "restart", "rspamd"])
    mail.machine.wait_port(11334)
    yield
    mail.machine.run("rm /etc/rspamd/override.d/actions.conf; systemctl restart rspamd")
    mail.machine.wait_port(11334)


def new_mailbox(mail: MailHost, name: str) -> str:
    address = f"{name}@example.org"
    mail.smallmail(f"user add --password-stdin {address}", f"{PASSWORD}\n")
    return address


def separator(connection: imaplib.IMAP4) -> str:
    found = re.search(rb'"(.)"', connection.list()[1][0])
    assert found
    return found[1].decode()


def done(answer: tuple[str, list[bytes]]) -> None:
    assert answer[0] == "OK", answer


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
def test_a_mailbox_at_its_limit_can_be_emptied(mail: MailHost, empty: Callable[[imaplib.IMAP4, str], None]) -> None:
    user = new_mailbox(mail, empty.__name__.replace("_", "-") + "-at")
    limit(mail, user, 2 * MIB)
    connection = mail.imap(user)
    assert fill(connection, user, 100_000, 30) < 30
    assert fill(connection, user, 1_000, 200) < 200
    empty(connection, "Trash")
    assert connection.select("INBOX")[1] == [b"0"]
    assert used(connection) == 0
    connection.logout()


@WAYS
def test_a_mailbox_beyond_its_limit_can_be_emptied(mail: MailHost, empty: Callable[[imaplib.IMAP4, str], None]) -> None:
    user = new_mailbox(mail, empty.__name__.replace("_", "-") + "-beyond")
    connection = mail.imap(user)
    assert fill(connection, user, 700_000, 5) == 5
    connection.logout()
    limit(mail, user, MIB)
    connection = mail.imap(user)
    assert used(connection) > 1024
    empty(connection, "Trash")
    assert connection.select("INBOX")[1] == [b"0"]
    assert used(connection) == 0
    connection.select("Trash")
    done(connection.store("1:*", "+FLAGS", r"(\Deleted)"))
    done(connection.expunge())
    connection.logout()


def warnings(mail: MailHost, user: str) -> list[str]:
    return [subject for subject in mail.subjects("INBOX", user) if "% full" in subject]


def test_the_owner_is_warned_once_at_80_and_at_95_percent(mail: MailHost, world: World) -> None:
    user = new_mailbox(mail, "warned")
    sizes = [(750_000, []), (120_000, ["80"]), (80_000, ["80"]), (60_000, ["80", "95"])]
    limit(mail, user, MIB)
    for _ in range(2):
        for size, percents in sizes:
            assert world.send(BOB, user, letters.big(BOB, user, size), to=mail.machine).code == 250
            expected = [f"Your mailbox is {percent} % full" for percent in percents]
            mail.wait(lambda expected=expected: warnings(mail, user) == expected, f"the warnings {expected}")
        warning = mail.messages("INBOX", user)[-1]
        assert warning["From"] == "postmaster@example.org" and warning["Auto-Submitted"] == "auto-generated"
        assert email.utils.parsedate_to_datetime(warning["Date"])
        connection = mail.imap(user)
        empty_by_move(connection, "Trash")
        connection.logout()


@pytest.mark.parametrize("alias", ["", "press@example.org"])
def test_a_sender_hears_that_a_mailbox_is_full_and_no_more(mail: MailHost, world: World, alias: str) -> None:
    user = new_mailbox(mail, "full-" + (alias.partition("@")[0] or "itself"))
    if alias:
        mail.smallmail(f"alias add {alias} {user}")
    limit(mail, user, MIB)
    connection = mail.imap(user)
    assert fill(connection, user, 100_000, 20) < 20
    connection.logout()
    asked = alias or user
    replies = [world.send(BOB, asked, letters.big(BOB, asked, 700_000), to=mail.machine) for _ in range(2)]
    assert replies[0].code == 250, "the last message may exceed the limit"
    assert (replies[1].command, replies[1].code) == ("RCPT", 552)
    assert re.fullmatch(rf"5\.2\.2 <{asked}>: Recipient address rejected: Mailbox is full", replies[1].text)


@pytest.fixture
def away(mail: MailHost, request: pytest.FixtureRequest) -> Iterator[str]:
    """A mailbox with the vacation notice of the issue, and an alias with its name and "-alias"."""
    user = new_mailbox(mail, f"away{abs(hash(request.node.nodeid))}")
    alias = user.replace("@", "-alias@")
    mail.smallmail(f"alias add {alias} {user}")
    mail.machine.run(f"doveadm sieve put -a -u {user} away", input=VACATION)
    yield alias
    mail.machine.run(f"doveadm sieve deactivate -u {user}")


def answers(world: World, writer: str) -> list[str]:
    return [message["Subject"] for message in world.mail(writer) if message["Auto-Submitted"]]


@pytest.mark.parametrize("detail", ["", "+shop"])
def test_a_vacation_notice_answers_mail_to_an_alias_once(mail: MailHost, world: World, away: str, detail: str) -> None:
    address = away.replace("@", detail + "@")
    writer = f"writer{detail.strip('+')}@example.net"
    for number in range(2):
        letter = letters.plain(writer, address, f"hello {number}{detail}")
        assert world.send(writer, address, letter, to=mail.machine).code == 250
        mail.expect("INBOX", f"hello {number}{detail}", away.replace("-alias", ""))
    mail.wait(lambda: answers(world, writer) == ["Bin weg"], "one answer")
    time.sleep(2)
    assert answers(world, writer) == ["Bin weg"]


@pytest.mark.usefixtures("lenient")
def test_a_vacation_notice_answers_nothing_but_letters_to_its_user(mail: MailHost, world: World, away: str) -> None:
    user = away.replace("-alias", "")
    cases = {"list": {"List-Id": "<list.example.net>"}, "bulk": {"Precedence": "bulk"},
             "program": {"Auto-Submitted": "auto-generated"}, "bcc": {"To": "somebody@example.com"},
             "suppressed": {"X-Auto-Response-Suppress": "All"}, "group": {"To": "undisclosed-recipients:;"},
             "malice": {"To": f"m{user}"}}  # fmt: skip
    for name, fields in cases.items():
        writer = f"{name}@example.net"
        assert world.send(writer, away, letters.plain(writer, away, name, headers=fields), to=mail.machine).code == 250
        mail.expect("INBOX", name, user)
    spam = letters.spam("spammer@example.net", away, "spam")
    assert world.send("spammer@example.net", away, spam, to=mail.machine).code == 250
    mail.expect("Junk", "spam", user)
    # A domain without DMARC, because nothing shows that a bounce is the domain's.
    bounce = letters.plain("mailer-daemon@example.com", away, "bounce")
    assert world.send("", away, bounce, to=mail.machine).code == 250
    mail.expect("INBOX", "bounce", user)
    last = letters.plain("last@example.net", away, "last")
    assert world.send("last@example.net", away, last, to=mail.machine).code == 250
    mail.wait(lambda: answers(world, "last@example.net") == ["Bin weg"], "the answer to the last")
    assert [name for name in [*cases, "spammer"] if answers(world, f"{name}@example.net")] == []


def test_sieve_sees_the_mailbox_and_the_detail_behind_an_alias(mail: MailHost, world: World) -> None:
    user = new_mailbox(mail, "detailed")
    mail.smallmail(f"alias add orders@example.org {user}")
    mail.smallmail("alias add books@example.org detailed+books@example.org")
    mail.machine.run(f"doveadm sieve put -a -u {user} own", input=(
        'require ["fileinto", "envelope", "subaddress", "mailbox", "variables"];\n'
        'if allof (envelope :matches :detail "to" "?*", envelope :is :user "to" "detailed") {\n'
        '  if envelope :matches :detail "to" "*" { fileinto :create "${1}"; }\n'
        "}\n"))  # fmt: skip
    for recipient, folder in [(user, "INBOX"), ("detailed+shop@example.org", "shop"), ("orders@example.org", "INBOX"),
                              ("orders+cash@example.org", "cash"), ("books@example.org", "books")]:  # fmt: skip
        letter = letters.plain(BOB, recipient, f"for {recipient}")
        assert world.send(BOB, recipient, letter, to=mail.machine).code == 250
        mail.expect(folder, f"for {recipient}", user)


def put(connection: imaplib.IMAP4, folder: str, subject: str) -> None:
    done(connection.append(folder, "", "", letters.long(BOB, ALICE, subject, subject)))


def move(connection: imaplib.IMAP4, source: str, target: str, subject: str) -> None:
    done(connection.select(source))
    uid = connection.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split()[-1]
    done(connection.uid("MOVE", uid, target))


def learned_since(mail: MailHost, before: dict[str, int], count: int) -> dict[str, int]:
    """What Rspamd has learned since then, once it is so much and nothing is queued."""

    def difference() -> dict[str, int]:
        return {kind: number - before[kind] for kind, number in mail.learned().items()}

    mail.wait(lambda: sum(difference().values()) >= count and not mail.machine.run(["ls", QUEUE]).stdout,
              f"Rspamd to learn {count}")  # fmt: skip
    return difference()


def test_only_what_says_so_teaches_rspamd(mail: MailHost, record: Callable[[str], None]) -> None:
    """A bin is a bin, whatever its name, and Junk's own folders are Junk."""
    connection = mail.imap()
    mark = separator(connection)
    below = f"Junk{mark}2026"
    for folder in ("Papierkorb", "Corbeille", "Junkyard", below, f"Trash{mark}old"):
        done(connection.create(folder))
    before = mail.learned()
    teaches = [("INBOX", "Junk", "spam"), ("INBOX", below, "spam"), ("Trash", "Junk", "spam"),
               ("Junk", "INBOX", "ham"), (below, "INBOX", "ham"), ("Junk", "Archive", "ham")]  # fmt: skip
    silent = [("Junk", "Papierkorb"), ("Junk", "Corbeille"), ("Junk", "Trash"), ("Junk", f"Trash{mark}old"),
              ("Junk", below), (below, "Junk"), (below, "Papierkorb"), ("INBOX", "Junkyard"), ("Junkyard", "INBOX"),
              ("INBOX", "Archive"), ("INBOX", "Trash")]  # fmt: skip
    for number, (source, target) in enumerate(silent):
        put(connection, source, f"silent{number}")
        move(connection, source, target, f"silent{number}")
    for number, (source, target, _) in enumerate(teaches):
        put(connection, source, f"teaches{number}")
        move(connection, source, target, f"teaches{number}")
    connection.logout()
    learned = learned_since(mail, before, len(teaches))
    assert learned == {kind: sum(line[2] == kind for line in teaches) for kind in ("spam", "ham")}
    record(f"{len(teaches)} moves taught, {len(silent)} did not")


def test_learning_does_not_keep_a_mail_program_waiting(mail: MailHost, record: Callable[[str], None]) -> None:
    connection = mail.imap()
    done(connection.create("Many"))
    for number in range(MOVES):
        put(connection, "Many", f"many{number}")
    before = mail.learned()
    done(connection.select("Many"))
    seconds, answer = mail.timed(lambda: connection.uid("MOVE", "1:*", "Junk"))
    done(answer)
    connection.logout()
    later, learned = mail.timed(lambda: learned_since(mail, before, MOVES))
    assert learned == {"spam": MOVES, "ham": 0}
    record(f"{MOVES} messages moved in {seconds:.2f} s, learned {later:.1f} s later")
    assert seconds < 2


def test_what_is_moved_while_rspamd_is_down_is_learned_later(mail: MailHost) -> None:
    connection = mail.imap()
    before = mail.learned()
    mail.machine.run(["systemctl", "stop", "rspamd"])
    for number in range(3):
        put(connection, "INBOX", f"meanwhile{number}")
        move(connection, "INBOX", "Junk", f"meanwhile{number}")
    connection.logout()
    assert len(mail.machine.run(["ls", QUEUE]).stdout.split()) == 3
    mail.machine.run(["systemctl", "restart", "dovecot"])
    mail.machine.run(["systemctl", "start", "rspamd"])
    assert learned_since(mail, before, 3) == {"spam": 3, "ham": 0}


def test_nothing_complains_in_the_log(mail: MailHost) -> None:
    said = mail.machine.run("journalctl -q --no-pager -u dovecot -u 'smallmail-learn*' | grep -iE 'error|fatal|panic'",
                            check=False).stdout.splitlines()  # fmt: skip
    expected = re.compile(r"auth failed|clock|Connection lost|TLS")
    assert [line for line in said if not expected.search(line)] == []
