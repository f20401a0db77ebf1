"""The mail that waits: what 'postqueue -j' tells (postqueue(1)), and why it waits in plain words. Pure."""
import json
import re
from collections import OrderedDict
from typing import Any, Dict, Iterator, List

from smallmail.findings import Finding, Group

_GROUP = Group("mail")

# Mail for mailboxes on this very host should not wait for longer, in seconds.
_AT_HOME = 600
_HOME = "Dovecot does not take it"

# What the other side said, and what that means; the first that fits.
_REASONS = [(re.compile(pattern, re.IGNORECASE), meaning) for pattern, meaning in (
    (r"private/dovecot-lmtp", _HOME),
    (r"milter", "Rspamd does not answer"),
    (r"grey.?list", "the other server wants it to come again later (greylisting)"),
    (r"quota|mailbox (is )?full|insufficient (system )?storage", "the mailbox there is full"),
    (r"SASL|authentication", "the other server does not take the login"),
    (r"host (or domain name )?not found|name service error", "the other server is not found in DNS"),
    (r"certificate|\bTLS\b|\bSSL\b", "TLS with the other server does not come about"),
    (r"spamhaus|block ?list|black ?list|\bRBL\b|reputation|rate.?limit|too many|suspicious|spam",
     "the other server does not trust this host"),
    (r"timed out|refused|unreachable|no route|lost connection|reset by peer", "the other server cannot be reached"),
)]


def messages(report: str) -> List[Dict[str, Any]]:
    """One for each line of the report. (While Postfix is down it says so, too.)"""
    return [json.loads(line) for line in report.splitlines() if line.startswith("{")]


def meaning(reason: str) -> str:
    """A delay's reason in plain words."""
    return next((words for pattern, words in _REASONS if pattern.search(reason)), "the other server puts it off")


def findings(waiting: List[Dict[str, Any]], now: float, patience: float) -> Iterator[Finding]:
    """What waits for longer than it should. `patience`: after so many seconds senders are told (delay_warning_time)."""
    held = sum(message["queue_name"] == "hold" for message in waiting)
    if held:
        yield _GROUP.note("{} on hold until somebody releases them ('postqueue -p' has them with a '!', 'postsuper -H'"
                          " releases)".format(_messages(held)))
    late, recent = OrderedDict(), 0     # type: Dict[str, List[Any]], int
    for message in waiting:
        age = now - message["arrival_time"]
        for recipient in message["recipients"] if message["queue_name"] == "deferred" else []:
            words = meaning(recipient.get("delay_reason", ""))
            if age > (_AT_HOME if words == _HOME else patience):
                late.setdefault(words, []).append((age, recipient))
            else:
                recent += 1
    for words, group in late.items():
        oldest, recipient = max(group, key=lambda pair: float(pair[0]))
        domains = sorted({each["address"].rpartition("@")[2] for _, each in group})
        yield _GROUP.problem(
            "mail waits for long: {}".format(words),
            "{} to {}, the oldest since {}: {}".format(
                _messages(len(group)), ", ".join(domains[:5]) + (" …" if len(domains) > 5 else ""), _since(oldest),
                recipient.get("delay_reason", "")),
            "postqueue -p\nonce the reason is gone: postqueue -f")
    if recent:
        yield _GROUP.note("{} for another try, as often happens".format(_messages(recent)))


def _messages(count: int) -> str:
    return "1 message waits" if count == 1 else "{} messages wait".format(count)


def _since(seconds: float) -> str:
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return "{} {}{}".format(count, name, "s" * (count > 1))
    return "a moment"
