"""Who guesses passwords is out on all ports; who has forgotten one, or lives with a guesser, is not."""

from __future__ import annotations

import concurrent.futures
import contextlib
import imaplib
import json
import smtplib
import ssl
import time
from collections.abc import Iterator, Sequence

import pytest

from tests.lab.clients import Client
from tests.lab.network import Namespace
from tests.support.attackers import attack, sources
from tests.support.fixtures import Record
from tests.support.mail_host import ALICE, PASSWORD, MailHost

PORTS = (25, 465, 587, 993, 4190)
STORM = [f"203.0.113.{number}" for number in range(120, 150)]
GUESSER, PHONE, HOUSE = "203.0.113.101", "203.0.113.102", "203.0.113.103"
OWNER, NEWCOMER = "203.0.113.151", "203.0.113.152"
REFUSED = (smtplib.SMTPException, imaplib.IMAP4.error)
AWAY = (OSError, ssl.SSLError)


@contextlib.contextmanager
def client(address: str) -> Iterator[Client]:
    """A client at that address; its IPv6 address is in the same /64 as everybody's here, so it is not used."""
    with contextlib.closing(Namespace("c" + address.rpartition(".")[2], address)) as namespace:
        yield Client(namespace, "client.example.net")


def tried(host: MailHost, from_: Client, port: int, password: str, user: str = ALICE) -> str:
    """Try to log in once. Returns what came of it: "in", "wrong" or "away" (nobody answers)."""
    try:
        if port == 993:
            from_.imap(host.server, user, password).logout()
        else:
            from_.submission(host.server, user, password, port=port).close()
    except REFUSED as error:
        return "away" if isinstance(error, smtplib.SMTPServerDisconnected) else "wrong"
    except AWAY:
        return "away"
    return "in"


def at_once(host: MailHost, from_: Client, tries: Sequence[tuple[int, str, str]]) -> list[str]:
    """Try (port, name, password) all at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(lambda each: tried(host, from_, each[0], each[2], each[1]), tries))


def banned(host: MailHost) -> list[str]:
    return [ban["address"] for ban in json.loads(host.smallmail("bans list --json"))]


def test_a_guesser_is_out_within_ten_tries_on_all_ports(host: MailHost, record: Record) -> None:
    with client(GUESSER) as guesser:
        started = time.monotonic()
        answers = at_once(host, guesser, [((993, 465, 587)[number % 3], ALICE, f"guess {number}")
                                          for number in range(14)])
        assert "in" not in answers
        host.wait(lambda: GUESSER in banned(host), "the ban", 20)
        record(f"14 guesses at once: banned after {time.monotonic() - started:.1f} s")
        host.wait(lambda: tried(host, guesser, 993, PASSWORD) == "away", "nftables to follow", 10)
        for port in PORTS:
            with pytest.raises(ConnectionRefusedError):
                guesser.smtp(host.server, port)
        assert host.imap().logout()[0] == "BYE"
        assert f"since {time.strftime('%Y-%m-%d')}" in host.smallmail("bans list")
        host.machine.run("systemctl restart smallmail-bans.service")
        assert banned(host) == [GUESSER]
        with pytest.raises(ConnectionRefusedError):
            guesser.smtp(host.server, 25)
        assert host.smallmail(f"bans lift {GUESSER}") == f"No longer banned: {GUESSER}.\n"
        assert banned(host) == []
        host.wait(lambda: tried(host, guesser, 993, PASSWORD) == "in", "the end of the ban", 10)


def test_a_forgotten_phone_is_not_banned(host: MailHost) -> None:
    with client(PHONE) as phone:
        assert set(at_once(host, phone, [(993, ALICE, "the old password")] * 12)) == {"wrong"}
        assert tried(host, phone, 465, PASSWORD) == "in"
    assert banned(host) == []


def test_a_household_is_not_banned(host: MailHost) -> None:
    with client(HOUSE) as house:
        assert tried(host, house, 993, PASSWORD) == "in"
        tries = [(993, f"name{number}@example.org", "x") for number in range(12)]
        assert set(at_once(host, house, tries)) == {"wrong"}
        assert tried(host, house, 993, "typed wrong") == "wrong"
        assert tried(host, house, 993, PASSWORD) == "in"
    assert banned(host) == []


def test_no_other_user_keeps_the_daemons_busy(host: MailHost) -> None:
    host.machine.run("id mallory 2>/dev/null || useradd -m mallory")
    connect = "python3 -c 'import socket, sys; socket.create_connection((\"127.0.0.1\", int(sys.argv[1])))'"
    for port in (325, 326, 327, 879):
        refused = host.machine.run(f"runuser -u mallory -- {connect} {port}", check=False).stderr
        assert "ConnectionRefusedError" in refused
        host.machine.run(f"{connect} {port}")


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False], ids=["from where it logged in before", "from a new address"])
def test_owners_log_in_while_thirty_addresses_guess(host: MailHost, record: Record, known: bool) -> None:
    """Three guessers at each address, all at one mailbox, for two minutes; its owner comes from a clean address."""
    seconds, waits = 120, list[float]()
    with contextlib.closing(Namespace("storm", *STORM)) as namespace, client(OWNER if known else NEWCOMER) as owner:
        if known:
            assert tried(host, owner, 993, PASSWORD) == "in"
        with attack(namespace, "guesses", "--each", "3", "--seconds", str(seconds), *sources(STORM),
                    host.server.address, ALICE) as guessers:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for port in (993, 465):
                    started = time.monotonic()
                    assert tried(host, owner, port, PASSWORD) == "in"
                    waits.append(time.monotonic() - started)
            guesses = int(guessers.communicate(timeout=seconds)[0])
    shut = [address for address in banned(host) if address in STORM]
    record(f"{len(waits)} logins of the owner, the longest {max(waits):.1f} s; {guesses} guesses answered,"
           f" {len(shut)} of {len(STORM)} addresses banned")
    for address in shut:
        host.smallmail(f"bans lift {address}")
    assert max(waits) < 5 and len(shut) == len(STORM)
