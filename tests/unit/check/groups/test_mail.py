"""Mail: what waits and why (as postqueue of trixie and bookworm tells), quotas, and what port 25 says."""

from __future__ import annotations

import json

import pytest

from smallmail.check.groups import mail
from smallmail.check.probes import queue
from smallmail.findings import NOTE, PROBLEM, Finding
from smallmail.settings.fields import Settings

NOW = 1795555835 + 86400 * 2
HOURS = 3600.0
# Reasons as Postfix notes them.
REASONS = {
    "connect to mx.example.org[private/dovecot-lmtp]: Connection refused": "Dovecot does not accept it",
    "host mx.example.net[203.0.113.25] said: 451 4.7.1 Greylisting in action, please come back later (in reply to RCPT"
    " TO command)": "the other server asks to try again later (greylisting)",
    "connect to mx.example.net[203.0.113.25]:25: Connection timed out": "the other server cannot be reached",
    "Host or domain name not found. Name service error for name=example.invalid type=MX: Host not found, try again":
        "the other server is not found in DNS",
    "host mx.example.net[203.0.113.25] said: 452 4.2.2 Mailbox full (in reply to RCPT TO command)":
        "the mailbox there is full",
    "host mx.example.net[203.0.113.25] said: 421 4.7.0 [TSS04] Messages from 203.0.113.10 temporarily deferred due to"
    " unexpected volume": "the other server defers it",
    "host mx.example.net[203.0.113.25] said: 450 4.7.1 blocked using zen.spamhaus.org":
        "the other server does not trust this host",
    "SASL authentication failed; server smtp.example.net[203.0.113.25] said: 535 5.7.8 Error":
        "the other server does not accept the login",
    "Server certificate not verified": "TLS with the other server fails",
}


def message(reason: str, age: float, name: str = "deferred") -> str:
    return json.dumps({"queue_name": name, "queue_id": "C2A181A8012", "arrival_time": int(NOW - age), "message_size":
                       283, "forced_expire": False, "sender": "root@example.org", "recipients":
                       [{"address": "bob@example.net", "delay_reason": reason}]}) + "\n"


def found(*lines: str) -> list[Finding]:
    return list(queue.judge(queue.messages("".join(lines)), NOW, 4 * HOURS))


@pytest.mark.parametrize("reason", REASONS)
def test_reasons(reason: str) -> None:
    finding, = found(message(reason, 30 * HOURS), message(reason, 5 * HOURS))
    assert (finding.severity, finding.what) == (PROBLEM, "mail has waited for long: " + REASONS[reason])
    assert finding.why.startswith("2 messages to example.net, the oldest for 1 day: ")


def test_what_waits_as_it_should_is_no_problem() -> None:
    recent, = found(message("connect to mx.example.net[203.0.113.25]:25: Connection timed out", HOURS))
    assert (recent.severity, recent.what) == (NOTE, "1 message is queued for a retry: example.net (1): the other"
                                              " server cannot be reached; this is normal for up to 4 hours")
    assert found(message("", 0, "active"), message("", 0, "incoming")) == []
    held, = found(message("", 90 * HOURS, "hold"))
    assert (held.severity, held.what.partition(" (")[0]) == (NOTE, "1 message is on hold")
    assert found("postqueue: warning: Mail system is down -- accessing queue directly (Connection refused)\n") == []


def test_mail_for_mailboxes_here_does_not_wait_for_hours() -> None:
    reason = "connect to mx.example.org[private/dovecot-lmtp]: Connection refused"
    assert [each.severity for each in found(message(reason, 300))] == [NOTE]
    assert [each.severity for each in found(message(reason, 900))] == [PROBLEM]


@pytest.mark.parametrize(("text", "expected"), [("4h", 4 * HOURS), ("30m", 1800), ("2", 7200), ("0h", float("inf")),
                                                ("0", float("inf")), ("", float("inf")), ("1d", 86400)])
def test_times_of_postfix(text: str, expected: float) -> None:
    assert mail.seconds(text) == expected


def test_quotas() -> None:
    table = ("Username\tQuota name\tType\tValue\tLimit\t%\n"
             "alice@example.org\tUser quota\tSTORAGE\t1048576\t1048576\t100\n"
             "alice@example.org\tUser quota\tMESSAGE\t900\t-\t0\n"
             "bob@example.org\tUser quota\tSTORAGE\t950000\t1048576\t91\n"
             "carol@example.org\tUser quota\tSTORAGE\t10\t-\t0\n"
             "dora@example.org\tUser quota\tSTORAGE\t10\t1048576\t0\n")
    full, nearly = mail.quotas(table)
    assert (full.severity, full.what) == (PROBLEM, "the mailbox alice@example.org is full")
    assert full.why == "Mail for it is refused: it uses 1 GiB of its 1 GiB."
    assert (nearly.severity, nearly.what) == (NOTE, "the mailbox bob@example.org is nearly full")
    assert list(mail.quotas("")) == []


def test_the_scanner() -> None:
    verdict = '{"passthrough_module":"GTUBE","is_skipped":true,"score":15.0,"action":"reject"}'
    assert list(mail.scanner(verdict, True)) == []
    assert [each.what for each in mail.scanner("", False)] == ["Rspamd does not answer Postfix",
                                                                     "Rspamd's controller does not answer"]
    for words in ('{"action":"no action"}', "<html>"):
        finding, = mail.scanner(words, True)
        assert "GTUBE" in finding.what and words in finding.why


KNOWN, UNKNOWN = ["postmaster@example.org"], ["no-such-1@example.org"]


@pytest.mark.parametrize(("replies", "expected"), [
    ({KNOWN[0]: "250 2.1.5 Ok", UNKNOWN[0]: "550 5.1.1 <no-such-1@example.org>: Recipient address rejected"}, []),
    ({"": "451 4.7.1 Service unavailable - try again later"}, ["port 25 does not accept mail"]),
    ({KNOWN[0]: "550 5.1.1 no", UNKNOWN[0]: "250 2.1.5 Ok"},
     ["mail for postmaster@example.org is refused", "mail for addresses in example.org that do not exist is accepted"]),
])
def test_the_door(replies: dict[str, str], expected: list[str]) -> None:
    assert [each.what for each in mail.door(replies, KNOWN, UNKNOWN)] == expected


DEFAULT = "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128"


def test_who_may_send_to_anybody() -> None:
    assert not mail.is_trusted("203.0.113.10", DEFAULT)
    assert mail.is_trusted("203.0.113.10", DEFAULT + ", 203.0.113.0/24")
    assert mail.is_trusted("2001:db8::1", "[2001:db8::]/64")
    assert mail.is_trusted("203.0.113.10", "cidr:/etc/postfix/networks")     # who knows
    assert list(mail.too_wide(DEFAULT + " 10.0.0.0/8 192.168.0.0/16 203.0.113.0/24 hash:/etc/x")) == []
    assert [each.what for each in mail.too_wide("127.0.0.0/8, 0.0.0.0/0 [::]/0")] == [
        "mynetworks lets all of 0.0.0.0/0 send to anyone", "mynetworks lets all of ::/0 send to anyone"]
    assert [each.what for each in mail.relaying("203.0.113.10", "250 2.1.5 Ok")] == ["this host is an open relay"]
    assert list(mail.relaying("203.0.113.10", "554 5.7.1 Relay access denied")) == []


@pytest.mark.parametrize(("name", "is_wrong"), [
    ("[smtp.example.net]:587", False), ("smtp.example.net", False), ("", False),
    ("[192.0.2.25]:587", True), ("[2001:db8::25]", True),
])  # fmt: skip
def test_a_relayhost_that_gets_a_password_has_a_name(name: str, is_wrong: bool) -> None:
    settings = Settings({"relayhost": name, "relay-username": "anna", "relay-password": "x"})
    assert [finding.severity for finding in mail.relayhost(settings)] == [PROBLEM] * is_wrong
    assert list(mail.relayhost(Settings({"relayhost": name}))) == []
