"""Mail that an alias or a Sieve script sends elsewhere: its sender, its seal, spam, and what is not delivered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import World
from tests.support import letters
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost

MALLORY = "mallory@example.net"
# An alias whose destinations are all elsewhere, one with a mailbox here too, a chain, and a mailbox whose script
# redirects. Each leads to an address of its own.
AWAY, SHARED, CHAIN, REDIRECTED = WAYS = [f"{name}@example.org" for name in ("away", "shared", "chain", "redirected")]
ELSEWHERE = {way: f"{way.partition('@')[0]}.elsewhere@example.net" for way in WAYS}
REFUSED = "nobody@lost.example.net"  # the foreign server takes no mail for this domain
AGAIN = "again@example.org"  # leads to where AWAY does
LOST, LOST_BY_SCRIPT = "lost@example.org", "lost-by-script@example.org"
ADMIN_SENDER, SCRIPT_SENDER = "postmaster+forwarded@example.org", "redirected+forwarded@example.org"


def _redirect(host: MailHost, mailbox: str, to: str, script: str = "") -> None:
    host.smallmail(f"user add --password-stdin {mailbox}", PASSWORD + "\n")
    host.machine.run(f"doveadm sieve put -a -u {mailbox} away", input=script or f'redirect "{to}";')


@pytest.fixture
def forwarding(host: MailHost, world: World) -> Iterator[MailHost]:
    """The host with all these ways. They stay, as no other test knows them."""
    if AWAY not in host.smallmail("alias list"):
        world.dns.set("example.net", "lost MX 10 mx.example.net.\n")
        for alias, destination in (
            (AWAY, ELSEWHERE[AWAY]), (AGAIN, ELSEWHERE[AWAY]), (SHARED, ELSEWHERE[SHARED]), (SHARED, ALICE),
            (LOST, REFUSED), ("link@example.org", ELSEWHERE[CHAIN]), (CHAIN, "link@example.org"),
        ):  # fmt: skip
            host.smallmail(f"alias add {alias} {destination}")
        _redirect(host, REDIRECTED, ELSEWHERE[REDIRECTED])
        _redirect(host, LOST_BY_SCRIPT, REFUSED)
    host.smallmail("set greylisting=no")
    yield host
    host.smallmail("set greylisting=yes")


def _settled(host: MailHost) -> None:
    host.wait(lambda: "queue is empty" in host.machine.run("postqueue -p").stdout, "the queue to be empty")


@pytest.mark.parametrize("way", WAYS)
def test_what_is_forwarded_has_a_sender_of_this_host_and_a_seal(forwarding: MailHost, world: World, way: str) -> None:
    subject = f"forwarded by {way}"
    world.foreign.post(BOB, way, letters.plain(BOB, way, subject))
    raw = world.foreign.expect(ELSEWHERE[way], subject, why=forwarding.last_words)
    message = letters.parsed(raw)
    assert message["Return-path"] == f"<{SCRIPT_SENDER if way == REDIRECTED else ADMIN_SENDER}>"
    assert ".invalid" not in str(message["Received"]) and world.signatures(raw) == {"lab": True}
    seal, = world.verify_arc(raw)
    assert seal["as-domain"] == b"example.org"
    assert b"spf=pass" in seal["aar-value"] and b"dkim=pass" in seal["aar-value"]
    _settled(forwarding)
    assert len(world.foreign.mail(ELSEWHERE[way])) == 1


def test_the_empty_sender_stays(forwarding: MailHost, world: World) -> None:
    for way in (AWAY, REDIRECTED):
        world.foreign.post("", way, letters.plain(BOB, way, "a notice"))
        raw = world.foreign.expect(ELSEWHERE[way], "a notice", why=forwarding.last_words)
        assert letters.parsed(raw)["Return-path"] == "<>"


@pytest.mark.parametrize(("way", "box"), [(AWAY, ALICE), (SHARED, ALICE), (CHAIN, ALICE), (REDIRECTED, REDIRECTED)])
def test_spam_is_filed_once_and_not_forwarded(forwarding: MailHost, world: World, way: str, box: str) -> None:
    """It fails DMARC: it comes from another address than example.net allows, and without a signature."""
    subject = f"spam to {way}"
    letter = letters.plain(BOB, way, subject)
    assert world.send(BOB, way, letter, to=forwarding.machine, client=world.client).code == 250
    assert forwarding.expect("Junk", subject, box)["X-Spam"] == "Yes"
    _settled(forwarding)
    assert forwarding.subjects("Junk", box).count(subject) == 1
    assert subject not in [message["Subject"] for message in world.foreign.mail(ELSEWHERE[way])]


@pytest.mark.parametrize("is_spam", [False, True])
def test_who_is_reached_by_several_recipients_has_one_copy(forwarding: MailHost, world: World, is_spam: bool) -> None:
    recipients, subject = [AWAY, AGAIN, ALICE], f"to three, spam: {is_spam}"
    connection = (world.client if is_spam else world.foreign).smtp(forwarding.server)
    assert connection.mail(BOB)[0] == 250
    assert [connection.rcpt(recipient)[0] for recipient in recipients] == [250, 250, 250]
    assert connection.data(letters.plain(BOB, ", ".join(recipients), subject))[0] == 250
    connection.quit()
    forwarding.expect("Junk" if is_spam else "INBOX", subject)
    _settled(forwarding)
    assert forwarding.subjects("INBOX").count(subject) + forwarding.subjects("Junk").count(subject) == 1
    come = [message["Subject"] for message in world.foreign.mail(ELSEWHERE[AWAY])].count(subject)
    assert come == (0 if is_spam else 1)


@pytest.mark.parametrize(("way", "box", "sender"), [
    (LOST, ALICE, ADMIN_SENDER), (LOST_BY_SCRIPT, LOST_BY_SCRIPT, "lost-by-script+forwarded@example.org")])  # fmt: skip
def test_what_is_not_delivered_is_told_to_the_one_who_forwards(
    forwarding: MailHost, world: World, way: str, box: str, sender: str
) -> None:
    world.foreign.post(MALLORY, way, letters.plain(MALLORY, way, f"lost by {way}"))

    def told() -> bool:
        return any(message["To"] == sender for message in forwarding.messages("INBOX", box))

    forwarding.wait(told, f"the notice to {box}")
    _settled(forwarding)
    assert world.foreign.mail(MALLORY) == []


def test_a_users_own_mail_keeps_its_sender(forwarding: MailHost, world: World) -> None:
    forwarding.submit(letters.plain(ALICE, AWAY, "Alice by an alias"))
    letter = letters.plain(ALICE, AWAY, "Alice by sendmail").decode()
    forwarding.machine.run(f"sendmail -i -f {ALICE} {AWAY}", input=letter)
    for subject in ("Alice by an alias", "Alice by sendmail"):
        raw = world.foreign.expect(ELSEWHERE[AWAY], subject, why=forwarding.last_words)
        assert letters.parsed(raw)["Return-path"] == f"<{ALICE}>"
        assert world.signatures(raw).get("dkim")


def test_a_program_keeps_the_sender_that_it_gives(forwarding: MailHost, world: World) -> None:
    """A web application may send for a domain whose mail is elsewhere."""
    command = f"sendmail -i -f shop@example.info {ELSEWHERE[AWAY]}"
    forwarding.machine.run(command, input="From: shop@example.info\nSubject: from the shop\n\nhello\n")
    raw = world.foreign.expect(ELSEWHERE[AWAY], "from the shop", why=forwarding.last_words)
    assert letters.parsed(raw)["Return-path"] == "<shop@example.info>"


def test_a_script_that_redirects_does_not_sign_for_others(forwarding: MailHost, world: World) -> None:
    """The author is Alice, or says so: only her own host's signature counts, and it is there once."""
    forwarding.submit(letters.plain(ALICE, REDIRECTED, "really from Alice"))
    raw = world.foreign.expect(ELSEWHERE[REDIRECTED], "really from Alice", why=forwarding.last_words)
    signatures = world.signatures(raw)
    assert signatures["dkim"] and raw.count(b"\nDKIM-Signature:") == len(signatures)


def test_what_a_script_writes_is_signed(forwarding: MailHost, world: World) -> None:
    if "away-on-leave" not in forwarding.smallmail("user list"):
        _redirect(forwarding, "away-on-leave@example.org", "", 'require "vacation"; vacation :subject "on leave" "x";')
    world.foreign.post(BOB, "away-on-leave@example.org", letters.plain(BOB, "away-on-leave@example.org", "hello"))
    raw = world.foreign.expect(BOB, "on leave", why=forwarding.last_words)
    assert all(world.signatures(raw).values()) and world.signatures(raw)


@pytest.mark.parametrize("recipient", [
    "bob@example.net.forward.invalid", "postmaster@junk.invalid"])  # fmt: skip
def test_strangers_cannot_use_the_marks_of_forwarded_mail(forwarding: MailHost, world: World, recipient: str) -> None:
    reply = world.send(MALLORY, recipient, letters.plain(MALLORY, recipient, "x"), to=forwarding.machine)
    assert (reply.command, reply.code) == ("RCPT", 554)


def test_no_other_machine_reaches_the_services(forwarding: MailHost) -> None:
    said = forwarding.machine.run("ss -Hltn 'sport >= :325 and sport <= :327'").stdout
    assert {line.split()[3] for line in said.splitlines()} == {f"127.0.0.1:{port}" for port in range(325, 328)}


@pytest.mark.slow
def test_a_message_of_the_largest_size_is_forwarded(forwarding: MailHost, world: World) -> None:
    """This host adds header fields to it on each of its ways."""
    forwarding.smallmail("set message-size-limit=1M")
    try:
        for way in (AWAY, REDIRECTED):
            letter = letters.big(BOB, way, 1 << 20)[:(1 << 20) - 2] + b"\r\n"
            assert world.send(BOB, way, letter, to=forwarding.machine).code == 250
            world.foreign.expect(ELSEWHERE[way], "big", why=forwarding.last_words)
    finally:
        forwarding.smallmail("set message-size-limit=50M")


@pytest.mark.slow
def test_redirected_mail_waits_for_the_service(forwarding: MailHost, world: World) -> None:
    forwarding.machine.run("cp -p /etc/postfix/master.cf /root; postconf -MX 127.0.0.1:325/inet; postfix reload")
    try:
        world.foreign.post(BOB, REDIRECTED, letters.plain(BOB, REDIRECTED, "waits"))
        forwarding.wait(lambda: "temporary failure" in forwarding.machine.run("postqueue -p").stdout, "a delay")
        assert "waits" not in forwarding.subjects("INBOX", REDIRECTED)
    finally:
        forwarding.machine.run("cp -p /root/master.cf /etc/postfix/master.cf; postfix reload")
    forwarding.machine.wait_port(325)
    forwarding.machine.run("postqueue -f")
    world.foreign.expect(ELSEWHERE[REDIRECTED], "waits", why=forwarding.last_words)
    _settled(forwarding)
    assert [message["Subject"] for message in world.foreign.mail(ELSEWHERE[REDIRECTED])].count("waits") == 1


@pytest.mark.slow
def test_an_admins_own_transports_do_not_stop_aliases(forwarding: MailHost, world: World) -> None:
    """With his own value of transport_maps, aliases work as if the service did not exist."""
    for setting, sender in (("transport_maps=inline:{elsewhere.example=smtp}", BOB),
                            ("smallmail_transport_maps=inline:{elsewhere.example=smtp}", ADMIN_SENDER)):
        forwarding.machine.run(f"cp -p /etc/postfix/main.cf /root; postconf -e '{setting}'; postfix reload")
        try:
            world.foreign.post(BOB, AWAY, letters.plain(BOB, AWAY, setting))
            raw = world.foreign.expect(ELSEWHERE[AWAY], setting, why=forwarding.last_words)
            assert letters.parsed(raw)["Return-path"] == f"<{sender}>"
        finally:
            forwarding.machine.run("cp -p /root/main.cf /etc/postfix/main.cf; postfix reload")


@pytest.mark.slow
def test_a_message_that_is_sealed_already_stays_right(forwarding: MailHost, world: World) -> None:
    """Before Rspamd 3.6 the third seal would be wrong (in 2.7 the second), and so is left out."""
    raw, subject = letters.plain(BOB, CHAIN, "sealed"), "sealed"
    for number in (1, 2, 3):
        assert world.send(BOB, CHAIN, raw, to=forwarding.machine).code == 250

        def come(wanted: int = number) -> list[bytes] | None:
            found = world.foreign.received(ELSEWHERE[CHAIN])
            found = [raw for raw in found if letters.parsed(raw)["Subject"] == subject]
            return found if len(found) == wanted else None

        raw = forwarding.wait(come, f"seal {number}")[-1].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert len(world.verify_arc(raw)) >= min(number, 2)
