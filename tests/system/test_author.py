"""What people see as the author was judged: each form of From, sent in and out, as mail programs read it.

Dovecot's ENVELOPE, Python, Thunderbird and Go read each letter (tests/support/readers.py).
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.lab import World
from tests.support import envelopes, letters
from tests.support.authors import UNQUOTED, Form, forms
from tests.support.corpus_mail import wait_sent
from tests.support.fixtures import Record
from tests.support.mail_host import PASSWORD, MailHost
from tests.support.raw_smtp import begin, send
from tests.support.readers import READERS, strangers

GINA, HUGO, MALLORY = "gina@example.org", "hugo@example.org", "mallory@example.net"
CEO = "ceo@strict.test"
FORMS = list(forms())
# Rspamd does not find the address after a comment, so this may be in Junk: it was not judged.
COMMENT_FIRST = "From: (c (n)) {own} (x)\r\n"
Shown = dict[str, list[str]]  # who reads it, and the addresses that are not the writer's


@pytest.fixture
def gina(host: MailHost, world: World) -> Iterator[MailHost]:
    """The host without greylisting, with mailboxes that no other test knows; and a domain that asks for p=reject."""
    for user in (GINA, HUGO):
        if user not in host.smallmail("user list"):
            host.smallmail("user add --password-stdin " + user, PASSWORD + "\n")
    world.dns.set("strict.test", '_dmarc TXT "v=DMARC1; p=reject"\n@ TXT "v=spf1 -all"\n')
    host.reload_rspamd("set greylisting=no")
    yield host
    host.reload_rspamd("set greylisting=yes")


def deliver(connect: Callable[[], smtplib.SMTP], sender: str, recipient: str, fields: Iterable[bytes],
            start: str) -> list[tuple[int, str]]:
    """Send a letter with each of these fields. Returns the replies. Each connection refuses few letters: answers to a
    client with many errors take long."""
    replies: list[tuple[int, str]] = []
    connection, refused = connect(), 0
    for number, field in enumerate(fields):
        if refused > 8:
            connection.close()
            connection, refused = connect(), 0
        letter = letters.plain(sender, recipient, f"{start} {number}").partition(b"\r\n")[2]
        replies.append(send(begin(connection, sender, recipient), b"X-First: x\r\n" + field + letter))
        refused += replies[-1][0] != 250
    connection.close()
    return replies


def shown(host: MailHost, user: str, own: str, start: str, folder: str) -> dict[int, Shown]:
    """Wait for the letters. Returns the numbers of those in this folder, and what is shown of them."""
    wait_sent(host)
    connection = host.imap(user)
    found = {}
    for subject, seen in envelopes.seen(connection, folder).items():
        if subject.startswith(start + " "):
            read = {name: reader(seen.head) for name, reader in READERS.items()}
            read["Dovecot"] = seen.authors
            found[int(subject.rpartition(" ")[2])] = {name: strangers(read[name], own) for name in read}
    connection.logout()
    return found


def wrongly(found: dict[int, Shown]) -> list[tuple[str, str, list[str]]]:
    """Return the form, the reader and the addresses of what is shown wrongly."""
    return [(FORMS[number].fields[:70], name, addresses) for number, read in sorted(found.items())
            for name, addresses in read.items() if addresses]


def counted(found: dict[int, Shown]) -> str:
    return ", ".join(f"{name} {sum(bool(read[name]) for read in found.values())}" for name in [*READERS, "Dovecot"])


def is_clean(form: Form) -> bool:
    return form.fault in ("", UNQUOTED) and not form.name and not form.changed and form.fields != COMMENT_FIRST


def test_what_comes_in_shows_who_was_judged(gina: MailHost, world: World, record: Record) -> None:
    fields = [form.written(MALLORY, CEO) for form in FORMS]
    replies = deliver(lambda: world.foreign.smtp(gina.server), MALLORY, GINA, fields, "in")
    inbox, junk = (shown(gina, GINA, MALLORY, "in", folder) for folder in ("INBOX", "Junk"))
    assert wrongly(inbox) == []
    taken = [number for number, (code, _) in enumerate(replies) if code == 250]
    assert sorted([*inbox, *junk]) == taken
    assert [form.fields for number, form in enumerate(FORMS) if is_clean(form) and number not in inbox] == []
    assert [form.fields for number, form in enumerate(FORMS) if form.fault not in ("", UNQUOTED) and number in inbox
            and not form.changed] == []
    assert [form.fields for number, form in enumerate(FORMS) if form.name and number not in junk] == []
    record(f"{len(FORMS)} forms from outside: {len(inbox)} in INBOX, {len(junk)} in Junk, the rest refused; shown "
           f"wrongly in INBOX: {counted(inbox)}; in Junk: {counted(junk)}")


# Names with an address of another domain, another field, and where such mail is.
NAMES = [('"ceo@strict.test"', "X-Own: x", "Junk"), ('"ceo@sub.strict.test"', "X-Own: x", "Junk"),
         ('"ceo@strict.test via List"', "X-Own: x", "Junk"),
         ('"hugo@example.org via List"', "List-Id: <list.example.net>", "Junk"),
         ('"ceo@strict.test via List"', "List-Id: <list.example.net>", "INBOX"),
         ('"ceo@lax.test"', "X-Own: x", "INBOX"), ('"mallory@mail.example.net"', "X-Own: x", "INBOX"),
         ('"Anna @ Shop"', "X-Own: x", "INBOX")]


def test_a_name_alone_misleads_nobody(gina: MailHost, world: World) -> None:
    """Mail programs on telephones show the name alone. Mailing lists write such names for others."""
    world.dns.set("lax.test", '_dmarc TXT "v=DMARC1; p=none"\n')
    fields = [f"From: {name} <{MALLORY}>\r\n{field}\r\n".encode() for name, field, _ in NAMES]
    deliver(lambda: world.foreign.smtp(gina.server), MALLORY, HUGO, fields, "name")
    found = {number: folder for folder in ("INBOX", "Junk") for number in shown(gina, HUGO, MALLORY, "name", folder)}
    assert [found.get(number) for number in range(len(NAMES))] == [folder for _, _, folder in NAMES]


def test_what_a_login_sends_shows_an_address_of_its_own(gina: MailHost, record: Record) -> None:
    fields = [form.written(GINA, HUGO) for form in FORMS]
    replies = deliver(lambda: gina.submission(user=GINA), GINA, GINA, fields, "out")
    assert [(form.fields, reply) for form, reply in zip(FORMS, replies, strict=True)
            if not form.changed and (reply[0] == 250) != (not form.fault)] == []
    assert [(form.fields, reply) for form, reply in zip(FORMS, replies, strict=True)
            if form.fault and not form.changed and form.fault not in reply[1]] == []
    sent = shown(gina, GINA, GINA, "out", "INBOX")
    assert sorted(sent) == [number for number, (code, _) in enumerate(replies) if code == 250]
    assert wrongly(sent) == []
    record(f"{len(FORMS)} forms by a login: {len(sent)} sent; shown wrongly: {counted(sent)}")
