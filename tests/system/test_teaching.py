"""Rspamd learns from what users move, and from nothing else."""

from __future__ import annotations

import imaplib
import re

from tests.support import letters
from tests.support.fixtures import Record
from tests.support.imap import done
from tests.support.mail_host import ALICE, BOB, MailHost

MOVES = 60
QUEUE = "/var/lib/smallmail/learning"


def separator(connection: imaplib.IMAP4) -> str:
    found = re.search(rb'"(.)"', connection.list()[1][0])
    assert found
    return found[1].decode()


def put(connection: imaplib.IMAP4, folder: str, subject: str) -> None:
    done(connection.append(folder, "", "", letters.long(BOB, ALICE, subject, subject)))


def move(connection: imaplib.IMAP4, source: str, target: str, subject: str) -> None:
    done(connection.select(source))
    uid = connection.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split()[-1]
    done(connection.uid("MOVE", uid, target))


def learned_since(host: MailHost, before: dict[str, int], count: int) -> dict[str, int]:
    """What Rspamd has learned since then, once it is so much and nothing is queued."""

    def difference() -> dict[str, int]:
        return {kind: number - before[kind] for kind, number in host.learned().items()}

    host.wait(lambda: sum(difference().values()) >= count and not host.machine.run(["ls", QUEUE]).stdout,
              f"Rspamd to learn {count}")  # fmt: skip
    return difference()


def test_only_what_says_so_teaches_rspamd(host: MailHost, record: Record) -> None:
    """A bin is a bin, whatever its name, and Junk's own folders are Junk."""
    connection = host.imap()
    mark = separator(connection)
    below = f"Junk{mark}2026"
    for folder in ("Papierkorb", "Corbeille", "Junkyard", below, f"Trash{mark}old"):
        done(connection.create(folder))
    before = host.learned()
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
    learned = learned_since(host, before, len(teaches))
    assert learned == {kind: sum(line[2] == kind for line in teaches) for kind in ("spam", "ham")}
    record(f"{len(teaches)} moves taught, {len(silent)} did not")


def test_learning_does_not_keep_a_mail_program_waiting(host: MailHost, record: Record) -> None:
    connection = host.imap()
    done(connection.create("Many"))
    for number in range(MOVES):
        put(connection, "Many", f"many{number}")
    before = host.learned()
    done(connection.select("Many"))
    seconds, answer = host.timed(lambda: connection.uid("MOVE", "1:*", "Junk"))
    done(answer)
    connection.logout()
    later, learned = host.timed(lambda: learned_since(host, before, MOVES))
    assert learned == {"spam": MOVES, "ham": 0}
    record(f"{MOVES} messages moved in {seconds:.2f} s, learned {later:.1f} s later")
    assert seconds < 2


def test_what_is_moved_while_rspamd_is_down_is_learned_later(host: MailHost) -> None:
    connection = host.imap()
    before = host.learned()
    host.machine.run(["systemctl", "stop", "rspamd"])
    for number in range(3):
        put(connection, "INBOX", f"meanwhile{number}")
        move(connection, "INBOX", "Junk", f"meanwhile{number}")
    connection.logout()
    assert len(host.machine.run(["ls", QUEUE]).stdout.split()) == 3
    host.machine.run(["systemctl", "restart", "dovecot"])
    host.machine.run(["systemctl", "start", "rspamd"])
    assert learned_since(host, before, 3) == {"spam": 3, "ham": 0}


def test_nothing_complains_in_the_log(host: MailHost) -> None:
    """Of what learns, warns and answers; test_mail_settled looks at all that Postfix and Dovecot say."""
    errors = "journalctl -q --no-pager -u dovecot -u 'smallmail-learn*' | grep -iE 'error|fatal|panic'"
    ours = "grep -E 'learn|[^e]sieve: |imapsieve|quota-warning|pipe|duplicate'"
    said = host.machine.run(f"{errors} | {ours}", check=False).stdout.splitlines()
    # The home of a mailbox does not exist before its first message is stored, and nor does the list for 'duplicate'.
    expected = re.compile(r"file_dotlock_open\(\S+lda-dupes\) failed: No such file")
    assert [line for line in said if not expected.search(line)] == []
