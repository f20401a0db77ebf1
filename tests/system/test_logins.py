"""Who may log in, how often, and under which spelling of the name: in a booted machine per suite."""

from __future__ import annotations

import concurrent.futures
import threading
import time

import pytest

from tests.support.fixtures import Record
from tests.support.mail_host import ALICE, BOB, PASSWORD, MailHost


def _log_in(host: MailHost, port: int, password: str = PASSWORD, user: str = ALICE) -> float:
    """Log in once. Returns how long it takes; raises smtplib's exception if the host refuses it."""
    started = time.monotonic()
    host.submission(port, user, password).close()
    return time.monotonic() - started


@pytest.mark.parametrize("port", [465, pytest.param(587, marks=pytest.mark.slow)])
def test_an_office_may_log_in_as_often_as_it_likes(host: MailHost, record: Record, port: int) -> None:
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        each = list(pool.map(lambda _: _log_in(host, port), range(200)))
    record(f"200 logins on {port} in {time.monotonic() - started:.0f} s, the slowest took {max(each):.1f} s")


def test_an_old_password_in_one_phone_stops_nobody_else(host: MailHost, record: Record) -> None:
    """The phone tries again and again, from the same address as everybody in the office."""
    stop = threading.Event()

    def phone() -> int:
        tried = 0
        while not stop.is_set():
            with pytest.raises(Exception, match="535"):
                _log_in(host, 465, "the old password")
            tried += 1
        return tried

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        trying = pool.submit(phone)
        try:
            time.sleep(5)
            each = [_log_in(host, port) for port in (465, 587) for _ in range(10)]
        finally:
            stop.set()
        record(f"the phone tried {trying.result()} times; 20 others logged in, the slowest in {max(each):.1f} s")


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 40])
def test_guessing_is_slow(host: MailHost, record: Record, at_once: int) -> None:
    seconds = 40
    until = time.monotonic() + seconds

    def guess(number: int) -> int:
        answers = 0
        while time.monotonic() < until:
            try:
                _log_in(host, 465, f"guess {number} {answers}")
            except Exception as refused:
                answers += "535" in str(refused)
        return answers

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        answers = sum(pool.map(guess, range(at_once)))
    record(f"{at_once} connections at once: {answers * 60 // seconds} guesses a minute are answered")
    time.sleep(30)  # Dovecot forgets about them
    assert answers * 60 // seconds < 20 * at_once


@pytest.mark.parametrize("name", [f"{ALICE} ", f" {ALICE}", "  Alice@Example.ORG   "])
def test_blanks_around_a_login_name_do_not_count(host: MailHost, name: str) -> None:
    connection = host.imap(f'"{name}"')
    assert connection.select("INBOX")[0] == "OK"
    connection.logout()
    for port in (465, 587):
        smtp = host.submission(port, name)
        assert smtp.mail(ALICE)[0] == 250
        assert smtp.rcpt(BOB)[0] == 250
        smtp.close()


@pytest.mark.parametrize("name", [
    "alice@example.org x", "alice@example.org' OR '1'='1",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("ali ce@example.org", " "))])
def test_other_blanks_in_a_login_name_are_refused(host: MailHost, name: str) -> None:
    with pytest.raises(Exception, match="(?i)auth"):
        host.imap(f'"{name}"')
    with pytest.raises(Exception, match="535"):
        host.submission(465, name)


def test_a_user_name_with_a_colon_is_no_relay_username(host: MailHost) -> None:
    words = "'relayhost=[smtp.example.net]:587' relay-username=a:b relay-password=secret-x"
    refused = host.machine.run(f"smallmail set {words}", check=False)
    assert refused.returncode != 0
    assert "contains a colon" in refused.stderr
