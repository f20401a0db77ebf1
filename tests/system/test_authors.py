"""Who may be named as the author of a letter.

The forms of From, letters that are resent, and what this host's own programs write. The foreign Exim verifies the
signatures, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab import World
from tests.lab.clients import Reply, converse
from tests.support import letters
from tests.support.fixtures import Record
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost

Send = Callable[..., Reply]  # a letter with these fields and this subject; the reply to it

ANNA = "anna@example.org"
ACCEPTED = ['"anna"@example.org', 'Anna <"anna"@example.org>', "=?utf-8?Q?J=C3=B6rg?= <anna@example.org>",
            "Jörg <anna@example.org>", "(c (n)) anna@example.org (x)", "ANNA@Example.ORG",
            "anna@example.org <anna@example.org>", '"boss@bank.example" <anna@example.org>',
            '"b\\"@bank.example,\\" x" <anna+tag@example.org>', "Anna\r\n <anna@example.org>"]
REFUSED = {"=?utf-8?Q?anna=40example.org?=": "=?utf-8?Q?anna=40example.org?= has no address",
           "Team: anna@example.org, boss@bank.example;": "boss@bank.example; has a group of addresses",
           "Team: anna@example.org;": "has a group of addresses", "Team:;": "Team:; has a group of addresses",
           "<@relay.example:anna@example.org>": "has a route in its address",
           "Writer, Anna <anna@example.org>": "must be in quotes",
           "anna": "header anna has no address", "": "has no address",
           '"alice"@example.org': "alice@example.org does not belong",
           "boss@bank.example <anna@example.org>": "has an @ outside quotes in its name",
           "<anna@example.org> <boss@bank.example>": "has more than one address",
           "anna@sub.example.org": "anna@sub.example.org does not belong"}
TO_PORT_25 = f"""\
import smtplib
letter = "From: {ALICE}\\r\\nTo: {BOB}\\r\\nBcc: hidden@example.net\\r\\nSubject: by port 25\\r\\n\\r\\nx\\r\\n"
smtplib.SMTP("localhost").sendmail("{ALICE}", "{BOB}", letter)
"""


@pytest.fixture
def anna(host: MailHost) -> Iterator[Send]:
    """Log in as anna. Gives a function that sends letters with these fields."""
    if ANNA not in host.smallmail("user list"):
        host.smallmail("user add --password-stdin " + ANNA, PASSWORD + "\n")
    connection = host.submission(user=ANNA)

    def send(fields: str, subject: str = "x") -> Reply:
        letter = f"{fields}To: {BOB}\r\nSubject: {subject}\r\n\r\nx\r\n"
        return converse(connection, ANNA, BOB, letter.encode("utf-8"))
    yield send
    connection.close()


def resent(author: str, resender: str) -> str:
    """Return the fields of a letter that somebody sends again."""
    return f"From: Stranger <{author}>\r\nResent-From: {resender}\r\nResent-To: {BOB}\r\n"


def arrived(world: World, subject: str) -> bytes:
    """Wait for a letter, whose signatures must be our domain's, and right for dkimpy and Exim. Returns its bytes."""
    raw = world.foreign.expect(BOB, subject)
    verdicts = [str(verdict) for verdict in letters.parsed(raw).get_all("X-DKIM-Verdict")]
    assert all(world.signatures(raw).values())
    assert all(verdict.startswith("pass d=example.org") for verdict in verdicts), verdicts
    return raw


def test_forms_of_an_own_address_are_taken(anna: Send, world: World, record: Record) -> None:
    for number, author in enumerate(ACCEPTED):
        assert anna(f"From: {author}\r\n", f"form {number}").code == 250, author
    for number, author in enumerate(ACCEPTED):
        raw = arrived(world, f"form {number}")
        assert f"\r\nFrom: {author}\r\n".encode() in raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert b"X-Smallmail" not in raw
    record(f"{len(ACCEPTED)} forms taken, unchanged, signed")


@pytest.mark.parametrize(("author", "said"), REFUSED.items())
def test_the_answer_names_what_is_wrong(anna: Send, author: str, said: str) -> None:
    reply = anna(f"From: {author}\r\n")
    assert reply.code == 554 and said in reply.text


def test_a_from_that_postfix_would_add_is_not_enough(anna: Send) -> None:
    for fields in ("", "X-Smallmail-From: written\r\n", f"From: {ANNA}\r\n" * 2):
        assert "needs one From header" in anna(fields).text


def test_sender_must_be_an_own_address_too(anna: Send, world: World) -> None:
    """Outlook shows it before From."""
    author = f"From: {ANNA}\r\n"
    assert "Sender address boss@bank.example does not belong" in anna(f"{author}Sender: boss@bank.example\r\n").text
    assert "has no address" in anna(f"{author}Sender: boss\r\n").text
    assert anna(f"{author}Sender: Anna <anna+x@example.org>\r\n", "with Sender").code == 250
    arrived(world, "with Sender")


def test_what_programs_here_write_has_one_author_too(host: MailHost, world: World) -> None:
    """A bounce has the sentence for who reads root's mail."""
    for number, author in enumerate((f"{ALICE}, {BOB}", f"{BOB} <{ALICE}>")):
        host.machine.run(f"sendmail -f {ALICE} {BOB}", input=f"From: {author}\nSubject: by a program {number}\n\nx\n")
    host.wait(lambda: sum("Undelivered" in subject for subject in host.subjects("INBOX")) >= 2 or None, "the bounces")
    assert not [subject for subject in host.world.mail(BOB) if "by a program" in str(subject["Subject"])]


def test_a_strangers_letter_may_be_resent(anna: Send, world: World) -> None:
    """RFC 5322, 3.6.6; mutt's bounce. Not if its author is somebody else on this host, nor by another's address."""
    assert anna(resent("s@example.com.invalid", ANNA), "resent").code == 250
    assert b"\nFrom: Stranger <s@example.com.invalid>" in arrived(world, "resent").replace(b"\r\n", b"\n")
    assert "s@example.net does not belong" in anna(resent("s@example.net", ALICE)).text
    assert "alice@example.org does not belong" in anna(resent(ALICE, ANNA)).text


def test_programs_write_from_below_a_mail_domain_and_are_signed_by_it(host: MailHost, world: World) -> None:
    host.machine.run(f"sendmail -f shop@shop.example.org {BOB}",
                     input=f"From: shop@shop.example.org\nTo: {BOB}\nSubject: from below\n\nx\n")
    assert b"\nFrom: shop@shop.example.org" in arrived(world, "from below")


def test_programs_that_use_port_25_hide_bcc(host: MailHost, world: World) -> None:
    host.machine.run(["python3", "-c", TO_PORT_25])
    assert b"hidden@" not in arrived(world, "by port 25")


@pytest.mark.parametrize(("subject", "fields", "body"), [
    ("long", {}, "x" * 5000), ("8bit", {"Content-Transfer-Encoding": "8bit"}, "Grüße aus Köln")])
def test_exim_verifies_long_lines_and_8_bit_text(host: MailHost, world: World, subject: str, fields: dict[str, str],
                                                 body: str) -> None:
    host.submit(letters.plain(ALICE, BOB, subject, body + "\r\n", fields))
    assert body.encode("utf-8") in arrived(world, subject)
