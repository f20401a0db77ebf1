"""The data of a mail server in use: mailboxes, messages, what Rspamd has learned, an admin's own settings.

What an upgrade must keep: created here, and compared afterwards.
"""

from __future__ import annotations

import hashlib
import imaplib
import re
from collections.abc import Iterator
from typing import Any

from tests.support import letters
from tests.support.folders import listed, quoted
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost

CAROL, CAROLS_PASSWORD = "carol@example.org", "another battery horse"
ALIAS = "sales@example.org"
BOXES = {ALICE: PASSWORD, CAROL: CAROLS_PASSWORD}
FLAGS = ["()", r"(\Seen)", r"(\Seen \Flagged)", "($Label1)", r"(\Answered Important)"]
MADE = ("Projekte/2024", "Dr. Jones", "~tilde", "100%", "Entwürfe")     # folders of theirs
EACH = 15   # messages in each folder
Message = tuple[frozenset[bytes], str]  # flags and checksum
Snapshot = dict[tuple[str, str], tuple[Any, dict[int, Message]]]  # by user and folder: UIDVALIDITY, messages by UID
SIEVE = 'require ["fileinto"];\nif header :contains "subject" "to be filed" { fileinto "Archive"; }\n'

# An admin's own: files with a line each, a parameter of Postfix's that smallmail does not set, and one that it does.
FILES = {
    "/etc/smallmail/local/postfix/main.cf": "smtpd_client_connection_count_limit = 41\n",
    "/etc/rspamd/override.d/actions.conf": "reject = 14.5;\n",
    "/etc/dovecot/local.conf": "login_greeting = the lab's own\n",
}
PARAMETERS = {"smtpd_client_connection_count_limit": "41", "delay_warning_time": "3h", "smtpd_banner": "$myhostname hi"}


def create(host: MailHost) -> None:
    """Create all of it on a fresh MailHost."""
    host.smallmail("user add --password-stdin " + CAROL, PASSWORD + "\n")
    host.smallmail("user passwd --password-stdin " + CAROL, CAROLS_PASSWORD + "\n")
    host.smallmail(f"alias add {ALIAS} {CAROL}")
    for path, content in FILES.items():
        host.machine.write(path, content)
    host.smallmail("apply")
    host.machine.run("postconf -e delay_warning_time=3h 'smtpd_banner=$myhostname hi'")
    host.machine.run("systemctl reload postfix dovecot; systemctl restart rspamd")
    host.machine.wait_port(11334)
    for user, password in BOXES.items():
        _fill(host, user, password)
    host.machine.write("/root/own.sieve", SIEVE)
    host.machine.run(f"doveadm sieve put -a -u {ALICE} own </root/own.sieve")
    train_rspamd(host, "before")
    deliver_by_sieve(host, "before")


def _fill(host: MailHost, user: str, password: str) -> None:
    connection = host.imap(user, password)
    for folder in MADE:
        done = connection.create(quoted(folder))
        assert done[0] == "OK", done
    for folder in ("INBOX", "Junk", "Archive", *MADE):
        for index in range(EACH):
            letter = letters.plain(BOB, user, f"{folder} {index}")
            done = connection.append(quoted(folder), FLAGS[index % len(FLAGS)], "", letter)
            assert done[0] == "OK", done
    connection.logout()


def snapshot(host: MailHost) -> Snapshot:
    """Read what an IMAP client sees: UIDVALIDITY of each mailbox and folder, flags and checksum of each UID."""
    seen: Snapshot = {}
    for user, password in BOXES.items():
        connection = host.imap(user, password)
        for folder in listed(connection):
            assert connection.select(f'"{folder}"', readonly=True)[0] == "OK", folder
            validity = connection.response("UIDVALIDITY")[1][0]
            seen[user, folder] = validity, dict(_messages(connection))
        connection.logout()
    return seen


def _messages(connection: imaplib.IMAP4_SSL) -> Iterator[tuple[int, Message]]:
    parts = connection.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]
    for part in parts:
        if isinstance(part, tuple):
            flags = set(imaplib.ParseFlags(part[0])) - {rb"\Recent"}
            found = re.search(rb"UID (\d+)", part[0])
            assert found, part[0]
            uid = int(found.group(1))
            yield uid, (frozenset(flags), hashlib.sha256(part[1]).hexdigest())


def count(seen: Snapshot) -> int:
    """Count the messages of a snapshot."""
    return sum(len(messages) for _, messages in seen.values())


def missing(before: Snapshot, after: Snapshot) -> list[str]:
    """Compare two snapshots. Returns what the later one lacks or has in another state."""
    found = []
    for folder, (validity, messages) in before.items():
        later_validity, later = after.get(folder, (None, {}))
        if later_validity != validity:
            found.append(f"{folder}: UIDVALIDITY {validity} is now {later_validity}")
        found += [f"{folder}: message {uid} {message} is now {later.get(uid)}"
                  for uid, message in messages.items() if later.get(uid) != message]
    return found


def train_rspamd(host: MailHost, when: str) -> None:
    """Move two messages to Junk and one of them back. Rspamd must learn each time."""
    mistaken, spam = "letter " + when, "junk " + when
    for subject in (mistaken, spam):
        host.world.send(BOB, ALICE, letters.long(BOB, ALICE, subject, subject), to=host.machine)
        host.expect("INBOX", subject)
    for subject, source, target, kind in ((mistaken, "INBOX", "Junk", "spam"), (mistaken, "Junk", "INBOX", "ham"),
                                          (spam, "INBOX", "Junk", "spam")):
        before = host.learned()[kind]
        host.move(source, subject, target)
        host.wait(lambda: host.learned()[kind] > before, f"Rspamd to learn {subject!r} as {kind}")


def deliver_by_sieve(host: MailHost, when: str) -> None:
    """Send a letter that alice's own Sieve script must file."""
    subject = "to be filed " + when
    host.world.foreign.post(BOB, ALICE, letters.plain(BOB, ALICE, subject))
    host.expect("Archive", subject)


def lost_settings(host: MailHost) -> list[str]:
    """Return what an admin has set that is no longer in force."""
    gone = [path for path, content in FILES.items() if host.machine.read(path) != content]
    gone += [f"{name}: {said}" for name, value in PARAMETERS.items()
             if (said := host.machine.run(["postconf", "-h", name]).stdout.strip()) != value]
    if "14.5" not in host.machine.run("rspamadm configdump actions").stdout:
        gone.append("Rspamd's reject")
    if host.machine.run("doveconf -h login_greeting").stdout.strip() != "the lab's own":
        gone.append("Dovecot's login_greeting")
    return gone
