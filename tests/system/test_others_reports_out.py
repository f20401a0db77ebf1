"""Mail that is written here, and mail in the mailbox, as the users of other projects have reported their losses.

Each test names the reports that it comes from.
"""

from __future__ import annotations

import re

import pytest

from tests.lab import World
from tests.support import letters
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost
from tests.support.raw_smtp import begin, kept, letters_of, send

FAY = "fay@example.org"


@pytest.fixture
def fay(host: MailHost) -> MailHost:
    """The host with a mailbox that no other test knows."""
    if FAY not in host.smallmail("user list"):
        host.smallmail("user add --password-stdin " + FAY, PASSWORD + "\n")
    return host


def arrived(world: World, subject: str) -> bytes:
    """Wait for a letter at the foreign server; its signatures must be right. Returns it with CRLF."""
    raw = world.foreign.expect(BOB, subject)
    verdicts = [str(verdict) for verdict in letters.parsed(raw).get_all("X-DKIM-Verdict")]
    assert verdicts and all(verdict.startswith("pass d=example.org") for verdict in verdicts), verdicts
    assert all(world.signatures(raw).values())
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_line_ends_that_smtp_does_not_have(fay: MailHost, world: World) -> None:
    """msmtp, hMailServer: programs on UNIX write LF, and scripts CR; other servers refuse both, or smuggle with them.
    Here LF is a line end and CR a blank, before the letter is signed."""
    plain = letters.plain(FAY, BOB, "only LF", "one\r\ntwo\r\n\r\n.three\r\n").replace(b"\r\n", b"\n")
    connection = fay.submission(user=FAY)
    assert send(begin(connection, FAY, BOB), plain.replace(b"\n.", b"\n..") + b"\r\n")[0] == 250
    assert send(begin(connection, FAY, BOB), letters.plain(FAY, BOB, "a bare CR", "one\rtwo\r\n.\rx\r\n"))[0] == 250
    assert arrived(world, "only LF").endswith(b"\r\n\r\none\r\ntwo\r\n\r\n.three\r\n\r\n")
    assert arrived(world, "a bare CR").endswith(b"\r\n\r\none two\r\n x\r\n")


@pytest.mark.parametrize("letter", [letters.plain(FAY, BOB, "NUL", "a\0b\r\n"),
                                    letters.plain(FAY, BOB, "NUL", headers={"X-Own": "a\0b"})], ids=["body", "header"])
def test_a_nul_byte_is_refused(fay: MailHost, letter: bytes) -> None:
    """msmtp, Cyrus, OfflineIMAP: the letter ends at the byte, or the next server or mail program refuses it."""
    code, text = begin(fay.submission(user=FAY), FAY, BOB).data(letter)
    assert code == 550 and b"disallowed character" in text


# himalaya, velo, lua-resty-mail, smtp-mail: mail programs leave Bcc to the server, in each form that RFC 5322 has.
HIDDEN = ["Bcc: {}", "BCC:{}", "bcc : {}", "Bcc\t: {}", "Bcc:\r\n {}", "Bcc: x@example.com,\r\n\t{}", "Resent-Bcc: {}",
          "Bcc: x@example.com\r\nBcc: {}"]


def test_nobody_reads_who_gets_a_blind_copy(fay: MailHost, world: World) -> None:
    connection = fay.submission(user=FAY)
    for number, form in enumerate(HIDDEN):
        letter = form.format("secret@example.net").encode() + b"\r\n" + letters.plain(FAY, BOB, f"hidden {number}")
        assert begin(connection, FAY, BOB, "secret@example.net").data(letter)[0] == 250, form
    for number, form in enumerate(HIDDEN):
        assert not re.search(rb"(?i)secret@|x@example.com|^bcc", arrived(world, f"hidden {number}")), form


def test_the_first_line_of_an_mbox_is_no_header(fay: MailHost, world: World) -> None:
    """purebred, go-message: scripts send mbox files with their "From " line, and all headers below it are lost."""
    connection = fay.submission(user=FAY)
    for number, start in enumerate((b"From ", b">From ")):
        line = start + b"fay Thu Nov 26 12:46:47 2026\r\n"
        assert begin(connection, FAY, BOB).data(line + letters.plain(FAY, BOB, f"mbox {number}"))[0] == 250
        assert b"\r\nX-Mailbox-Line: " + line in arrived(world, f"mbox {number}")


def test_no_login_writes_results_in_this_hosts_name(fay: MailHost, world: World) -> None:
    """hermes-agent, chatmail/core: mail programs believe Authentication-Results that name their own server (RFC 8601,
    5). Those of other servers stay."""
    ours = {"Authentication-Results": "(x) MX.example.org; dmarc=pass header.from=bank.example", "X-Spam": "Yes"}
    others = {"Authentication-Results": "mx.elsewhere.example; dmarc=pass header.from=bank.example"}
    connection = fay.submission()
    for subject, fields in (("results: ours", ours), ("results: others", others)):
        assert begin(connection, ALICE, FAY).data(letters.plain(ALICE, FAY, subject, headers=fields))[0] == 250
    found = {subject: (folder, b"bank.example" in raw) for folder, subject, raw in letters_of(fay, FAY)
             if subject.startswith("results")}
    assert found == {"results: ours": ("INBOX", False), "results: others": ("INBOX", True)}


def test_the_name_of_a_computer_does_not_matter(fay: MailHost) -> None:
    """MailKit, Mailspring, Mail-Toaster, chatmail/core, docker-mailserver: a computer's name is not a host's name, and
    its owner cannot send mail. (The parameters are those that mail programs add.)"""
    connection = fay.submission(user=FAY)
    for name in ("WIN-8F3", "my_pc", "My Laptop", "[192.168.0.5]", "192.168.0.5", "[IPv6:fe80::1]", "[fe80::1%en0]",
                 "localhost", "-"):
        assert connection.docmd(f"EHLO {name}")[0] == 250, name
        assert connection.docmd(f"MAIL FROM:<{FAY}> BODY=8BITMIME SIZE=1 AUTH=<> RET=HDRS ENVID=x")[0] == 250, name
        assert connection.docmd(f"RCPT TO:<{BOB}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;{BOB}")[0] == 250, name
        connection.rset()


def test_a_letter_that_is_too_large_is_refused_before_it_is_sent(fay: MailHost) -> None:
    """RFC 1870, 6.1: otherwise a mail program sends for minutes, and then once more."""
    connection = fay.submission(user=FAY)
    assert connection.docmd(f"MAIL FROM:<{FAY}> SIZE={50 * 1024 * 1024 + 1}")[0] == 552
    connection.rset()
    begin(connection, FAY, BOB)


def test_an_unknown_address_of_ours_is_refused_at_once(fay: MailHost) -> None:
    """nixos-mailserver: it is taken, and a bounce follows."""
    connection = fay.submission(user=FAY)
    connection.mail(FAY)
    assert connection.rcpt("nobody-at-all@example.org")[0] == 550


def test_who_writes_to_nowhere_is_told_once(fay: MailHost, world: World) -> None:
    """Mailu, vSMTP, sisimai: nobody is told, or after five days. RFC 7505: a domain may say that it takes no mail."""
    world.dns.set("refuses.example.net", "@ MX 10 mx.example.net.\n")
    world.dns.set("none.example.net", "@ MX 0 .\n")
    nowhere = ["a@refuses.example.net", "a@none.example.net", "a@missing.example.net"]
    for to in nowhere:
        letter = letters.plain(FAY, to, f"to {to}")
        assert begin(fay.submission(user=FAY), FAY, to, BOB).data(letter)[0] == 250
        world.foreign.expect(BOB, f"to {to}")
    told = [(folder, raw) for folder, subject, raw in letters_of(fay, FAY) if "Undelivered" in subject]
    assert [folder for folder, _ in told] == ["INBOX"] * len(nowhere)
    for to in nowhere:
        assert sum(f"Final-Recipient: rfc822; {to}\r\n".encode() in raw for _, raw in told) == 1
    assert all(raw.startswith(b"Return-Path: <>\r\n") and b"Auto-Submitted: auto-replied" in raw for _, raw in told)


APPENDED = {"long": b"x" * 5000 + b"\r\n", "raw": "Grüße\r\n".encode(), "dots": b".\r\n..\r\n", "none": b"",
            "no end": b"x", "mbox": b"From x\r\n>From y\r\n", "blanks": b" \r\n\t\r\n", "CR": b"a\rb\r\n",
            "controls": b"\1\x0c\x1a\x7f\r\n"}


def test_a_mail_program_reads_what_it_has_stored(fay: MailHost) -> None:
    """Cyrus, OfflineIMAP, gmvault: what one server has stored, another refuses to store."""
    connection = fay.imap(FAY)
    for name, body in APPENDED.items():
        letter = f"From: {FAY}\r\nSubject: {name}\r\n\r\n".encode() + body
        connection.literal = letter  # append() itself changes a bare CR
        assert connection._simple_command("APPEND", "Drafts")[0] == "OK", name
        connection.select("Drafts", readonly=True)
        parts = connection.fetch("*", "(BODY.PEEK[])")[1]
        assert isinstance(parts[0], tuple) and parts[0][1] == letter, name
    connection.logout()


SCRIPTS = {"does not compile": 'if header :is "Subject" { fileinto "x"; ', "unknown extension": 'require "x"; discard;',
           "no such folder": 'require "fileinto"; fileinto "Nowhere at all";', "to oneself": f'redirect "{FAY}";',
           "bad name": 'require ["fileinto", "mailbox"]; fileinto :create "../../etc"; fileinto :create "a//b";',
           "long name": f'require ["fileinto", "mailbox"]; fileinto :create "{"x" * 300}";',
           "keeps twice": "keep; keep;", "files and keeps": 'require "fileinto"; fileinto "INBOX"; keep;',
           "many redirects": "".join(f'redirect "a{number}@example.net";' for number in range(40))}


@pytest.mark.slow
def test_a_script_that_fails_loses_no_mail(fay: MailHost, world: World) -> None:
    """Stalwart: mail is dropped after a failed activation. Roundcube: a redirect to oneself is a loop. RFC 5228,
    2.10.6: a script that fails keeps the message."""
    folder = "/srv/mail/example.org/fay"
    fay.machine.run(f"install -d -o vmail -g vmail -m 700 {folder} {folder}/sieve;"
                    f" ln -sf sieve/x.sieve {folder}/.dovecot.sieve")
    for name, script in SCRIPTS.items():
        fay.machine.write(f"{folder}/sieve/x.sieve", script)
        fay.machine.run(f"rm -f {folder}/*.svbin; chown vmail: {folder}/sieve/x.sieve")
        letter = letters.plain(BOB, FAY, f"script: {name}")
        assert begin(world.foreign.smtp(fay.server), BOB, FAY).data(letter)[0] == 250
        assert kept(fay, FAY, "script: ").get(name) == ["INBOX"], name
    fay.machine.run(f"rm -f {folder}/.dovecot.sieve {folder}/*.svbin {folder}/sieve/x.sieve")


@pytest.mark.slow
def test_mail_waits_while_a_mailbox_cannot_be_written_and_is_delivered_once(fay: MailHost, world: World) -> None:
    """nodemailer's smtp-server, FreeScout: after an error, what was delivered already is sent once more."""
    folder = "/srv/mail/example.org/fay"
    for name, broken, mended in (("box", f"chown root: {folder}", f"chown vmail: {folder}"),
                                 ("dovecot", "systemctl stop dovecot", "systemctl start dovecot")):
        fay.imap(FAY).logout()  # makes the folder
        fay.machine.run(broken)
        try:
            connection = begin(world.foreign.smtp(fay.server), BOB, FAY, "postmaster@example.org")
            assert connection.data(letters.plain(BOB, FAY, f"broken {name}"))[0] == 250
            fay.wait(lambda: re.search("said: 4|refused", fay.machine.run("postqueue -p").stdout), "a failed delivery")
        finally:
            fay.machine.run(mended)
        fay.machine.wait_port(993)
        fay.machine.run("postqueue -f")
        assert kept(fay, FAY, "broken ").get(name) == kept(fay, ALICE, "broken ").get(name) == ["INBOX"]
