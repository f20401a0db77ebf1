"""Mail arrives as it was written: the corpus of odd letters by every way through the host.

The letters go to servers that announce much or little. What is taken arrives whole, once, and with right signatures;
what is not taken is refused with a sentence.
"""

from __future__ import annotations

import io
import re
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.corpus import letters as corpus
from tests.lab import World, roots
from tests.lab.sink import Sinks
from tests.support.arrivals import DELIVERY, LAST, MARKS, REDIRECTION, SEAL, Judge, Tally, changes, ended
from tests.support.corpus_mail import (
    ALL,
    NONE,
    PEERS,
    STRANGERS_RECORD,
    copies,
    count_submitted,
    make_lenient,
    offer,
    readers,
    sign_as_stranger,
    wait_sent,
    was_taken,
)
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost

CORPUS = corpus()
ONE_READER = [letter for letter in CORPUS if letter.recipients == 1]
# The ports differ in how TLS begins, to which the form of a letter does not matter: the second one gets some of them.
BY_PORT = {465: CORPUS, 587: CORPUS[::4]}
SIGNATURE = re.compile(rb"s=corpus;.*?;\s*b=(.*?)\r\n(?![ \t])", re.S)
DELIVERED_TO = re.compile(rb"^Delivered-To: <?alice\+([^@]+)@", re.M)
# Addresses in fields that sendmail(1) completes or rewrites, before the signature.
COMPLETED = {"cc-route", "cc-bare", "cc-name-open", "cc-bang"}
REDIRECTING = "redirecting@example.org"
FORWARDED = "MAIL FROM:<postmaster+forwarded@example.org>"
REDIRECTED = "MAIL FROM:<redirecting+forwarded@example.org>"
# If a Message-ID is not one, Dovecot 2.3 gives a redirected letter another.
ANOTHER_ID = {"id-bare", "id-empty"}
NOTHING: dict[str, list[str]] = {"changed": [], "unsigned": [], "doubled": [], "lost": []}
SUITES = [pytest.param("trixie"),
          *(pytest.param(name, marks=pytest.mark.slow) for name in ("bookworm", "bullseye", "forky"))]

Answers = dict[str, tuple[int, str]]  # by the letter's name, the server's reply to it


class Incoming(NamedTuple):
    """The letters of a stranger as he sent them, by name, and the answers to them."""

    sent: dict[str, bytes]
    answers: Answers


@pytest.fixture(scope="module", params=SUITES)
def host(request: pytest.FixtureRequest, deb: Path, world: World, installed: Installed) -> Iterator[MailHost]:
    if reason := roots.available(request.param):
        pytest.skip(reason)
    with MailHost(request.param, deb, world, installed=installed(request.param)) as server:
        make_lenient(server)
        server.smallmail("set limit-messages-hour=0 limit-messages-day=0 limit-recipients-hour=0 limit-recipients-day=0"
                         " limit-new-network=0")
        yield server


@pytest.fixture(scope="module")
def sinks(host: MailHost, world: World) -> Iterator[Sinks]:
    """Servers for each suite anew: a new host empties the lab's DNS."""
    world.dns.set("example.net", STRANGERS_RECORD)
    with Sinks(world.dns, PEERS) as servers:
        yield servers


@pytest.fixture(scope="module")
def judge(host: MailHost, world: World) -> Judge:
    """A judge for each suite: it remembers keys, and each host has its own."""
    return Judge(world)


@pytest.fixture(scope="module")
def below(host: MailHost) -> set[bytes]:
    """The fields that Rspamd adds below all others: 2.7 adds those of the seal there, too."""
    is_old = host.machine.run("dpkg-query -W -f '${Version}' rspamd").stdout.startswith("2.")
    return LAST | SEAL if is_old else LAST


@pytest.fixture(scope="module")
def submissions(host: MailHost, sinks: Sinks) -> dict[int, Answers]:
    """Submit on both ports at once. Returns the answers to each letter, by port."""
    answers: dict[int, Answers] = {465: {}, 587: {}}

    def submit(port: int) -> None:
        connection = host.submission(port)
        for letter in BY_PORT[port]:
            to = readers(letter, str(port))
            answers[port][letter.name] = offer(connection, ALICE, to, letter.written(ALICE, to[0]))
        connection.quit()

    threads = [threading.Thread(target=submit, args=[port]) for port in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_sent(host)
    return answers


@pytest.mark.parametrize("port", [465, 587])
def test_what_is_submitted_arrives_as_it_was_written_and_signed(submissions: dict[int, Answers], sinks: Sinks,
                                                                judge: Judge, record: Record, port: int) -> None:
    tally, arrived = Tally(str(port)), copies(sinks)
    for letter in BY_PORT[port]:
        (code, text), to = submissions[port][letter.name], readers(letter, str(port))
        if letter.refused:
            tally.refused += 1
            assert code == 554 and letter.refused in text, (letter.name, text)
            assert not any(reader in arrived for reader in to), letter.name
        else:
            assert code == 250, (letter.name, text)
            count_submitted(tally, judge, letter, letter.written(ALICE, to[0]), to, arrived)
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING


def test_what_programs_send_arrives_signed(host: MailHost, sinks: Sinks, judge: Judge, record: Record) -> None:
    """By sendmail(1), with -t if only To names the reader."""
    archive, script = io.BytesIO(), ["cd /tmp/corpus"]
    to = {letter.name: readers(letter, "sendmail", [NONE])[0] for letter in ONE_READER}
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for letter in ONE_READER:
            text = letter.written(ALICE, to[letter.name]).replace(b"\r\n", b"\n")
            entry = tarfile.TarInfo(letter.name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
            by_field = re.findall(rb"(?im)^(to|cc|bcc|resent-\w+):", letter.head) == [b"To"]
            script.append(f"sendmail -i -f {ALICE} {'-t' if by_field else to[letter.name]} <{letter.name}")
    host.machine.run("mkdir /tmp/corpus && tar x -C /tmp/corpus", input=archive.getvalue())
    host.machine.run("\n".join(script), check=False)
    wait_sent(host)
    tally, arrived = Tally("sendmail"), copies(sinks)
    for letter in ONE_READER:
        reader = to[letter.name]
        if letter.refused:
            tally.refused += 1
            assert reader not in arrived, letter.name
        else:
            kept = letter._replace(obsolete=letter.obsolete or letter.name in COMPLETED)
            count_submitted(tally, judge, kept, letter.written(ALICE, reader), [reader], arrived)
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING


@pytest.fixture(scope="module")
def incoming(host: MailHost, world: World, sinks: Sinks) -> Incoming:
    """Send letters that a stranger has signed: to a mailbox, two aliases of addresses outside, and a mailbox whose
    script redirects them there.
    """
    host.smallmail(f"user add --password-stdin {REDIRECTING}", PASSWORD + "\n")
    script = "".join(f'redirect "redirected@{domain}";\n' for domain in (ALL, NONE))
    host.machine.run(f"doveadm sieve put -a -u {REDIRECTING} away", input=script)
    aliases = [REDIRECTING]
    for number, domain in enumerate((ALL, NONE)):
        aliases.append(f"away{number}@example.org")
        host.smallmail(f"alias add {aliases[-1]} out@{domain}")
    connection, came = world.foreign.smtp(host.server), Incoming({}, {})
    for letter in ONE_READER:
        to = f"alice+{letter.name}@example.org"
        came.sent[letter.name] = sign_as_stranger(letter, ended(letter.written(BOB, to)))
        came.answers[letter.name] = offer(connection, BOB, [to, *aliases], came.sent[letter.name])
    connection.quit()
    wait_sent(host)
    return came


def test_a_mailbox_holds_what_came(host: MailHost, incoming: Incoming, below: set[bytes], record: Record) -> None:
    """Byte for byte, below what is added above."""
    connection = host.imap()
    connection.select("INBOX", readonly=True)
    parts = connection.fetch("1:*", "(BODY.PEEK[])")[1]
    connection.logout()
    tally, boxed = Tally("incoming"), dict[str, list[bytes]]()
    for part in parts:
        if isinstance(part, tuple) and (name := DELIVERED_TO.search(part[1])):
            boxed.setdefault(name[1].decode("ascii"), []).append(part[1])
    for letter in ONE_READER:
        sent, come = incoming.sent[letter.name], boxed.get(letter.name, [])
        taken = was_taken(letter, incoming.answers[letter.name], tally)
        if taken and tally.arrived(letter.name, come) and not letter.obsolete:
            tally.changed(letter.name, changes(sent, come[0], above=DELIVERY, below=below, gone=MARKS))
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING


@pytest.mark.parametrize("domain", [ALL, NONE])
@pytest.mark.parametrize(("box", "sender", "above", "dropped"), [
    ("out", FORWARDED, DELIVERY, MARKS),
    # Dovecot writes Return-Path at a delivery, and does not send it.
    ("redirected", REDIRECTED, REDIRECTION, MARKS | {b"return-path"}),
])
def test_what_is_forwarded_keeps_its_signature(
    incoming: Incoming, sinks: Sinks, judge: Judge, record: Record, domain: str, box: str, sender: str,
    above: set[bytes], dropped: set[bytes], below: set[bytes],
) -> None:
    """By an alias and by a Sieve script."""
    tally, arrived = Tally(f"{box} to {domain}"), dict[bytes, list[bytes]]()
    for taken in sinks.taken(domain):
        if taken.recipients == [f"{box}@{domain}"] and (mark := SIGNATURE.search(taken.message)):
            assert taken.command.split(" SIZE")[0].split(" BODY")[0] == sender
            arrived.setdefault(mark[1], []).append(taken.message)
    for letter in ONE_READER:
        sent = incoming.sent[letter.name]
        mark = SIGNATURE.search(sent)
        if not was_taken(letter, incoming.answers[letter.name], tally) or not mark:
            continue
        come = arrived.get(mark[1], [])
        if tally.arrived(letter.name, come) and not letter.obsolete:
            # What this host could not sign is not sealed either, and neither is what has the field of a seal already.
            is_new = box == "redirected" and letter.name in ANOTHER_ID
            seal = [] if letter.refused or b"\nARC-" in sent or is_new else ["arc"]
            verdicts = {**judge.verdicts(come[0]), "arc": judge.is_sealed(come[0])}
            tally.signed(letter.name, verdicts, ["corpus", *seal])
            tally.changed(letter.name, changes(sent, come[0], above=above, below=below, gone=dropped))
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING
