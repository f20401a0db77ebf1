"""Letters and connections that are to stop mail for others: in a booted machine per suite."""

from __future__ import annotations

import concurrent.futures
import random
import time

import pytest

from tests.attacks import costly, fuzz
from tests.support import letters
from tests.support.attackers import PORTS, flood, longest_waits
from tests.support.fixtures import Record
from tests.support.mail_host import ALICE, BOB, MailHost

MEGABYTE = 1_000_000


def _made(kind: str, size: int = MEGABYTE) -> bytes:
    return costly.KINDS[kind](size, random.Random(time.monotonic_ns()))


@pytest.mark.parametrize("kind", ["empty parts", "nested messages", "header fields"])
def test_a_letter_that_costs_too_much_is_refused_unread(host: MailHost, record: Record, kind: str) -> None:
    """Time of the processor, which does not depend on what else the host has to do."""
    before = fuzz.processor_time(host)
    reply = host.world.foreign.send(host.server, BOB, ALICE, _made(kind))
    seconds = fuzz.processor_time(host) - before
    record(f"{kind}: {seconds:.2f} s")
    assert (reply.code, reply.command) == (554, "DATA"), reply
    assert "The message has " in reply.text
    assert seconds < 1


def test_an_encoded_attached_message_is_filed_as_spam(host: MailHost) -> None:
    """What is in it costs what it costs unencoded, and nobody sees it before it is decoded."""
    before = fuzz.processor_time(host)
    letter = _made("hidden parts").replace(b"Subject: hidden", b"Subject: parts in a message")
    assert host.world.foreign.send(host.server, BOB, ALICE, letter).code == 250
    assert fuzz.processor_time(host) - before < 1
    host.expect("Junk", "parts in a message")


def test_a_large_letter_keeps_its_judgement_and_its_signature(host: MailHost) -> None:
    """Of large letters, text is not judged; who wrote them is."""
    letter = letters.big("stranger@strict.test", ALICE, 3 * MEGABYTE)
    letter = letter.replace(b"Subject: big", b"Subject: big and forged")
    host.world.dns.set("strict.test", "@ TXT \"v=spf1 -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\n@ A 203.0.113.99\n")
    assert host.world.foreign.send(host.server, "stranger@strict.test", ALICE, letter).code == 250
    host.expect("Junk", "big and forged")
    host.submit(letters.big(ALICE, BOB, 3 * MEGABYTE))
    found = host.wait(lambda: next((m for m in host.world.mail(BOB) if m["Subject"] == "big"), None), "the letter")
    assert found["DKIM-Signature"]


def test_clean_clients_are_greeted_in_a_small_flood(host: MailHost, record: Record) -> None:
    with flood(host, 12):
        waits = longest_waits(host, 4)
    record("ten attackers with 12 connections to each port: " + _told(waits))
    assert max(waits.values()) < 20, waits


@pytest.mark.slow
def test_clean_clients_are_greeted_in_a_flood(host: MailHost, record: Record) -> None:
    with flood(host, 50):
        time.sleep(5)
        waits = longest_waits(host, 60)
    record("ten attackers with 50 connections to each port: " + _told(waits))
    assert max(waits.values()) < 5, waits


def _told(waits: dict[int, float]) -> str:
    return ", ".join(f"{port} {waits[port]:.1f} s" for port in PORTS)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [100_000, 400_000])
def test_others_are_served_beside_four_letters_of_many_parts(host: MailHost, record: Record, parts: int) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(host.world.foreign.send, host.server, BOB, ALICE, _made("empty parts", parts * 7))
                for _ in range(4)]
        time.sleep(0.5)
        seconds, reply = host.timed(lambda: host.world.send(BOB, ALICE, letters.plain(BOB, ALICE, "beside"),
                                                            to=host.machine, client=host.world.client))
        assert {each.result().code for each in sent} == {554}
    record(f"another letter took {seconds:.1f} s")
    assert seconds < 5, reply


@pytest.mark.slow
def test_no_kind_of_letter_holds_the_scanner_for_long(host: MailHost, record: Record) -> None:
    """Each kind in the size that costs most: as long as text is judged, and as large as a letter may be."""
    costs = {(name, size): fuzz.cost(host, fuzz.Try(name, size, 1))
             for name in costly.KINDS for size in (MEGABYTE, 20 * MEGABYTE)}
    worst = sorted(costs, key=costs.__getitem__, reverse=True)[:5]
    record("; ".join(f"{name}, {size // MEGABYTE} MB: {costs[name, size]:.1f} s" for name, size in worst))
    assert costs[worst[0]] < 5, worst[0]
