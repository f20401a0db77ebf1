"""Who is said to have written a letter: the forms of From, letters that are resent, and what this host's own programs
write. The foreign Exim judges the signatures, too."""
import pytest

from tests.lab import converse
from tests.system import letters
from tests.system.mailhost import ALICE, BOB, PASSWORD

ANNA = "anna@example.org"
ACCEPTED = ['"anna"@example.org', 'Anna <"anna"@example.org>', "=?utf-8?Q?J=C3=B6rg?= <anna@example.org>",
            "Jörg <anna@example.org>", "Team: anna@example.org;", "(c (n)) anna@example.org (x)", "ANNA@Example.ORG",
            "anna@example.org <anna@example.org>", '"boss@bank.example" <anna@example.org>',
            "Writer, Anna <anna@example.org>", '"b\\"@bank.example,\\" x" <anna+tag@example.org>',
            "Anna\r\n <anna@example.org>", "<@relay.example:anna@example.org>"]
REFUSED = {"=?utf-8?Q?anna=40example.org?=": "=?utf-8?Q?anna=40example.org?= has no address",
           "Team: anna@example.org, boss@bank.example;": "boss@bank.example does not belong to login anna@example.org",
           "Team:;": "Team:; has no address", "anna": "header anna has no address", "": "has no address",
           '"alice"@example.org': "alice@example.org does not belong",
           "boss@bank.example <anna@example.org>": "boss@bank.example does not belong",
           "<anna@example.org> <boss@bank.example>": "boss@bank.example does not belong",
           "anna@sub.example.org": "anna@sub.example.org does not belong"}
RESENT = "From: Stranger <{}>\r\nResent-From: {}\r\nResent-To: bob@example.net\r\n"
TO_PORT_25 = """\
import smtplib
letter = "From: {0}\\r\\nTo: {1}\\r\\nBcc: hidden@example.net\\r\\nSubject: by port 25\\r\\n\\r\\nx\\r\\n"
smtplib.SMTP("localhost").sendmail("{0}", "{1}", letter)
""".format(ALICE, BOB)


@pytest.fixture
def anna(mail):
    """Sends letters with these fields as anna; the reply to each."""
    if ANNA not in mail.smallmail("user list"):
        mail.smallmail("user add --password-stdin " + ANNA, PASSWORD + "\n")
    connection = mail.submission(user=ANNA)

    def send(fields, subject="x"):
        letter = "{}To: {}\r\nSubject: {}\r\n\r\nx\r\n".format(fields, BOB, subject)
        return converse(connection, ANNA, BOB, letter.encode("utf-8"))
    yield send
    connection.close()


def arrived(world, subject):
    """The letter as it came; its signatures must be our domain's, and right to dkimpy and to Exim."""
    raw = world.foreign.expect(BOB, subject)
    verdicts = [str(verdict) for verdict in letters.parsed(raw).get_all("X-DKIM-Verdict")]
    assert all(world.signatures(raw).values())
    assert all(verdict.startswith("pass d=example.org") for verdict in verdicts), verdicts
    return raw


def test_forms_of_an_own_address_are_taken(anna, world, record):
    for number, author in enumerate(ACCEPTED):
        assert anna("From: {}\r\n".format(author), "form {}".format(number)).code == 250, author
    for number, author in enumerate(ACCEPTED):
        raw = arrived(world, "form {}".format(number))
        assert "\r\nFrom: {}\r\n".format(author).encode("utf-8") in raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert b"X-Smallmail" not in raw
    record("{} forms taken, unchanged, signed".format(len(ACCEPTED)))


@pytest.mark.parametrize(("author", "said"), REFUSED.items())
def test_the_answer_names_what_is_wrong(anna, author, said):
    reply = anna("From: {}\r\n".format(author))
    assert reply.code == 554 and said in reply.text


def test_a_from_that_postfix_would_add_is_not_enough(anna):
    for fields in ("", "X-Smallmail-From: written\r\n", "From: {0}\r\nFrom: {0}\r\n".format(ANNA)):
        assert "needs one From header" in anna(fields).text


def test_a_strangers_letter_may_be_resent(anna, world):
    """RFC 5322, 3.6.6; mutt's bounce. In nobody's name here, and by nobody else."""
    assert anna(RESENT.format("s@example.com.invalid", ANNA), "resent").code == 250
    assert b"\nFrom: Stranger <s@example.com.invalid>" in arrived(world, "resent").replace(b"\r\n", b"\n")
    assert "s@example.net does not belong" in anna(RESENT.format("s@example.net", ALICE)).text
    assert "alice@example.org does not belong" in anna(RESENT.format(ALICE, ANNA)).text


def test_programs_write_from_below_a_mail_domain_and_are_signed_by_it(mail, world):
    mail.machine.run("sendmail -f shop@shop.example.org {}".format(BOB),
                     input="From: shop@shop.example.org\nTo: {}\nSubject: from below\n\nx\n".format(BOB))
    assert b"\nFrom: shop@shop.example.org" in arrived(world, "from below")


def test_programs_that_use_port_25_hide_bcc(mail, world):
    mail.machine.run(["python3", "-c", TO_PORT_25])
    assert b"hidden@" not in arrived(world, "by port 25")


@pytest.mark.parametrize(("subject", "fields", "body"), [
    ("long", {}, "x" * 5000), ("8bit", {"Content-Transfer-Encoding": "8bit"}, "Grüße aus Köln")])
def test_exim_verifies_long_lines_and_8_bit_text(mail, world, subject, fields, body):
    mail.submit(letters.plain(ALICE, BOB, subject, body + "\r\n", fields))
    assert body.encode("utf-8") in arrived(world, subject)
