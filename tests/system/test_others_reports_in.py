"""Mail that comes in, as the users of other projects have reported that it was lost, doubled, changed or misplaced.

Each test names the reports that it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab import World
from tests.support import letters
from tests.support.mail_host import BOB, PASSWORD, MailHost
from tests.support.raw_smtp import begin, kept, letters_of, push, reply, send, send_chunks

ERIN, IDN = "erin@example.org", "leser@xn--bcher-kva.example"
MALLORY = "mallory@example.net"  # writes what gets points: Rspamd may greylist all mail of such a sender
NOBODY = "nobody-at-all@example.org"


@pytest.fixture
def erin(host: MailHost) -> MailHost:
    """The host with mailboxes that no other test knows."""
    if ERIN not in host.smallmail("user list"):
        host.smallmail("domain add " + IDN.partition("@")[2])
        for user in (ERIN, IDN):
            host.smallmail("user add --password-stdin " + user, PASSWORD + "\n")
    return host


@pytest.fixture
def lenient(erin: MailHost) -> Iterator[MailHost]:
    """The host without greylisting: what is odd gets points for it."""
    erin.reload_rspamd("set greylisting=no")
    yield erin
    erin.reload_rspamd("set greylisting=yes")


# netius: a dot is lost where a buffer ends between CR and LF. Dada Mail: a line of one dot ends the letter.
LINES = b".\r\n..\r\n.hidden\r\n\r\n.\r\nQUIT\r\nRSET\r\nthe end"
PIECES = (1, 7, 64)


def test_a_letter_is_whole_however_it_is_cut_on_its_way(erin: MailHost, world: World) -> None:
    for size in PIECES:
        letter = letters.plain(BOB, ERIN, f"pieces, DATA {size}").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        stuffed = letter + LINES.replace(b"\r\n.", b"\r\n..").replace(b".", b"..", 1) + b"\r\n"
        assert send(begin(world.foreign.smtp(erin.server), BOB, ERIN), stuffed, size)[0] == 250
        letter = letter.replace(b"DATA", b"BDAT") + LINES
        assert send_chunks(begin(world.foreign.smtp(erin.server), BOB, ERIN), letter, size)[0] == 250
    found = {subject: raw.partition(b"\r\n\r\n")[2] for _, subject, raw in letters_of(erin, ERIN)
             if subject.startswith("pieces")}
    assert found == {f"pieces, {way} {size}": LINES + b"\r\n" for way in ("DATA", "BDAT") for size in PIECES}


def test_what_follows_a_refusal_is_no_command(erin: MailHost, world: World) -> None:
    """chrj/smtpd: a reply that leaves a refused chunk on the line makes the server read the letter as commands.
    RFC 2920: a client may send DATA without waiting for the replies to RCPT."""
    hostile = (b"Subject: x\r\n\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<" + ERIN.encode()
               + b">\r\nDATA\r\nSubject: refused\r\n")
    connection = world.foreign.smtp(erin.server)
    connection.mail(BOB)
    assert connection.rcpt(NOBODY)[0] == 550
    push(connection, b"BDAT %d LAST\r\n" % len(hostile) + hostile)
    assert reply(connection)[0] == 554 and connection.noop()[0] == 250
    push(connection, f"MAIL FROM:<{BOB}>\r\nRCPT TO:<{NOBODY}>\r\nRCPT TO:<{ERIN}>\r\nDATA\r\n".encode())
    assert [reply(connection)[0] for _ in range(4)] == [250, 550, 250, 354]
    push(connection, letters.plain(BOB, ERIN, "refused: sent at once") + b".\r\n")
    assert reply(connection)[0] == 250
    assert kept(erin, ERIN, "refused") == {": sent at once": ["INBOX"]}


def test_a_letter_that_breaks_off_is_not_delivered(erin: MailHost, world: World) -> None:
    """go-smtp: after a timeout inside DATA, the rest of the letter is read as commands. Nor may a part be delivered, or
    recipients of a transaction that was given up."""
    part = letters.plain(BOB, ERIN, "broken off")
    for start in (b"DATA\r\n" + part, b"DATA\r\n" + part + b".", b"BDAT %d\r\n" % len(part) + part,
                  b"BDAT 9999 LAST\r\n" + part):
        connection = begin(world.foreign.smtp(erin.server), BOB, ERIN)
        push(connection, start)
        connection.close()
    connection = begin(world.foreign.smtp(erin.server), BOB, ERIN)
    push(connection, b"BDAT %d\r\n" % len(part) + part)
    assert reply(connection)[0] == 250 and connection.rset()[0] == 250
    begin(connection, BOB, IDN).data(letters.plain(BOB, IDN, "after RSET"))
    assert kept(erin, IDN, "") == {"after RSET": ["INBOX"]}
    assert not {"broken off", "after RSET"} & kept(erin, ERIN, "").keys()


@pytest.mark.slow
def test_of_a_hundred_recipients_those_that_exist_get_it(erin: MailHost, world: World) -> None:
    """maddy, Mailpit: a list's server sends a hundred recipients at once, and some of them have left (RFC 5321,
    4.5.3.1.8). Postfix ends the connection at the twentieth."""
    connection = world.foreign.smtp(erin.server)
    connection.mail(BOB)
    known = [connection.rcpt(f"erin+{number}@example.org")[0] for number in range(78)]
    assert set(known) == {250} and connection.rcpt(IDN)[0] == 250
    assert {connection.rcpt(f"left-{number}@example.org")[0] for number in range(21)} == {550}
    assert connection.data(letters.plain(BOB, ERIN, "to a hundred"))[0] == 250
    assert kept(erin, ERIN, "to a hundred") == kept(erin, IDN, "to a hundred") == {"": ["INBOX"]}


# KumoMTA: a blank after the colon is refused. zone-mta, Mailpit, hMailServer: quoted local parts are refused. maddy,
# Mailu: xn-- domains are not found.
SPELLED = ["<ERIN@Example.ORG>", " <erin@example.org>", "erin@example.org", '<"erin"@example.org>',
           '<"erin+a"@example.org>', "<erin@example.org.>", "<erin+@example.org>", "<erin++a+b@example.org>",
           "<erin+../../../tmp@example.org>", "<erin+*{$?@example.org>",
           f"<erin+{'t' * 200}@example.org>", "<leser@XN--BCHER-KVA.example>"]


def test_each_spelling_of_a_recipient_reaches_the_mailbox(erin: MailHost, world: World) -> None:
    for number, spelled in enumerate(SPELLED):
        connection = world.foreign.smtp(erin.server)
        connection.mail(BOB)
        assert connection.docmd(f"RCPT TO:{spelled}")[0] == 250, spelled
        assert connection.data(letters.plain(BOB, ERIN, f"spelled {number}"))[0] == 250
    found = {**kept(erin, ERIN, "spelled "), **kept(erin, IDN, "spelled ")}
    assert found == {str(number): ["INBOX"] for number in range(len(SPELLED))}


# stalwart's mail-send takes what is inside the quotes for another recipient. The other forms are from the time when
# senders routed mail; Postfix understands them.
ROUTED = ["bob%example.net@example.org", "example.net!bob@example.org", "bob@example.net@example.org",
          '"bob@example.net"@example.org', '"bob@example.net> ORCPT=x"@example.org', "bob%example.net",
          "@example.org:bob@example.net", "bob%example.net@mx.example.org", "bob%example.net@[203.0.113.10]",
          "example.net!bob", "bob%example.net@localhost", "erin+bob%example.net@example.org"]


@pytest.mark.parametrize("routed", ROUTED)
def test_a_stranger_routes_no_mail_through_this_host(erin: MailHost, world: World, routed: str) -> None:
    connection = world.foreign.smtp(erin.server)
    connection.mail(BOB)
    assert connection.docmd(f"RCPT TO:<{routed}>")[0] // 100 == 5


# chatmail/core, itop's mail module: what is written in another's name must not look verified; most of these forms of
# From are read in one way by filters, and in another by mail programs. Rspamd: such mail is filed as spam.
OWN = "anna@example.org"
FORMS = [f"From: {OWN}", f"From : {OWN}", f"From:\r\n {OWN}", f"From: Anna\r\n <{OWN}>", f"From: <@a.example:{OWN}>",
         f"From: {MALLORY}\r\nFrom: {OWN}", f"From: {OWN}\r\nFrom: {MALLORY}", f"From: {MALLORY}\r\nFrom : {OWN}",
         f"From: {MALLORY}, {OWN}", f"From: {OWN},<{MALLORY}>", f"From: <{MALLORY}>{OWN}", f"From: {OWN}(<{MALLORY}>)",
         f"From: (<{MALLORY}>){OWN}", f"From: Team: {OWN}, {MALLORY};", f"Sender: {MALLORY}\r\nFrom: {OWN}",
         f'From: "{OWN}" <{MALLORY}>', f"From: =?utf-8?Q?anna=40example.org?= <{MALLORY}>",
         f"From: =?utf-8?Q?=22Anna=22_=3Canna=40example.org=3E?=<{MALLORY}>", "From: boss@sub.example.org"]


def test_mail_in_our_name_is_never_in_the_inbox(lenient: MailHost, world: World) -> None:
    for number, form in enumerate(FORMS):
        letter = letters.plain(MALLORY, ERIN, f"in our name {number}")
        letter = b"X-First: x\r\n" + letter.replace(f"From: {MALLORY}".encode(), form.encode())
        assert begin(world.foreign.smtp(lenient.server), MALLORY, ERIN).data(letter)[0] in (250, 554), form
    found = kept(lenient, ERIN, "in our name ")
    assert [form for number, form in enumerate(FORMS) if "INBOX" in found.get(str(number), [])] == []
    assert len(found) > len(FORMS) / 2


# Rspamd: X-Spam of a stranger files mail into Junk, and one of several is left. hermes-agent, SparkPost: results in the
# receiver's own name are believed (RFC 8601, 5). neomutt, postforward: Delivered-To of somebody else looks like a loop.
FORGED = (f"Return-Path: <forged@example.com>\r\nDelivered-To: {ERIN}\r\nDelivered-To: <{ERIN}>\r\n"
          + "X-Spam: Yes\r\n" * 3 + "X-Spamd-Result: default: False [-10.00 / 15.00]\r\n" * 2
          + "".join(f"Authentication-Results:{blank}mx.example.org; dkim=pass header.d=bank.example\r\n"
                    for blank in (" ", " ", " ", "\r\n ", "\t(a comment) "))
          + "Authentication-Results : mx.example.org; dkim=pass header.d=bank.example\r\n")


def test_marks_of_this_host_that_a_stranger_writes_do_not_count(lenient: MailHost, world: World) -> None:
    letter = FORGED.encode() + letters.plain(MALLORY, ERIN, "forged marks")
    assert begin(world.foreign.smtp(lenient.server), MALLORY, ERIN).data(letter)[0] == 250
    (folder, raw), = [(folder, raw) for folder, subject, raw in letters_of(lenient, ERIN) if subject == "forged marks"]
    assert folder == "INBOX" and b"bank.example" not in raw and b"[-10.00" not in raw
    assert len(re.findall(rb"(?im)^Authentication-Results\s*:", raw)) == 1


def test_the_envelope_sender_is_in_the_first_line(erin: MailHost, world: World) -> None:
    """cmail, MailScanner, Mailpit: Return-Path is missing, or is From's address, or what the sender wrote. nodemailer's
    smtp-server: reports of failed deliveries, which have no sender, are refused."""
    report = {"Auto-Submitted": "auto-replied", "Return-Path": "<forged@example.com>"}
    world.foreign.post("<>", ERIN, letters.plain("mailer-daemon@example.net", ERIN, "sender: none", headers=report))
    begin(world.foreign.smtp(erin.server), BOB, ERIN).data(
        letters.plain("other@example.net", ERIN, "sender: bob", headers=report))
    erin.expect("INBOX", "sender: none", ERIN)
    first = {subject: raw.partition(b"\r\n")[0] for _, subject, raw in letters_of(erin, ERIN) if "sender:" in subject}
    assert first == {"sender: none": b"Return-Path: <>", "sender: bob": f"Return-Path: <{BOB}>".encode()}


def test_two_letters_with_one_message_id_are_both_kept(erin: MailHost, world: World) -> None:
    """Cyrus, and the LMTP server of a tester of SMTP smuggling: the second one is thrown away without a word."""
    for body in ("one\r\n", "two\r\n"):
        letter = letters.plain(BOB, ERIN, "one id", body, {"Message-ID": "<same@example.net>"})
        assert begin(world.foreign.smtp(erin.server), BOB, ERIN).data(letter)[0] == 250
    assert kept(erin, ERIN, "one id") == {"": ["INBOX"] * 2}


@pytest.mark.parametrize(("hops", "code"), [(48, 250), (60, 250), (90, 250), (120, 554)])
def test_a_letter_may_have_passed_a_hundred_servers(erin: MailHost, world: World, hops: int, code: int) -> None:
    """Haraka: "too many Received headers" for mail that has come a long way. RFC 5321, 6.3: at least a hundred."""
    received = "".join(f"Received: from a{hop}.example by b{hop}.example; Thu, 26 Nov 2026 12:00:00 +0000\r\n"
                       for hop in range(hops))
    letter = received.encode() + letters.plain(BOB, ERIN, f"hops {hops}")
    assert begin(world.foreign.smtp(erin.server), BOB, ERIN).data(letter)[0] == code
    assert kept(erin, ERIN, "hops ").get(str(hops), []) == ["INBOX"] * (code == 250)
