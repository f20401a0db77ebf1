"""Judge the mail that waits, by what 'postqueue -j' says (postqueue(1)), and put into words why it waits. Pure."""
import json
import re
from collections import Counter, OrderedDict
from typing import Any, Dict, Iterator, List

from smallmail.check import units
from smallmail.findings import Finding, Group

_GROUP = Group("mail")

# Mail for mailboxes on this very host should not wait for longer, in seconds.
_AT_HOME = 600
_HOME = "Dovecot does not accept it"

# What the other side said, and what that means; the first that fits.
_REASONS = [(re.compile(pattern, re.IGNORECASE), meaning) for pattern, meaning in (
    (r"private/dovecot-lmtp", _HOME),
    (r"milter", "Rspamd does not answer"),
    (r"grey.?list", "the other server asks to try again later (greylisting)"),
    (r"quota|mailbox (is )?full|insufficient (system )?storage", "the mailbox there is full"),
    (r"SASL|authentication", "the other server does not accept the login"),
    (r"host (or domain name )?not found|name service error", "the other server is not found in DNS"),
    (r"certificate|\bTLS\b|\bSSL\b", "TLS with the other server fails"),
    (r"spamhaus|block ?list|black ?list|\bRBL\b|reputation|rate.?limit|too many|suspicious|spam",
     "the other server does not trust this host"),
    (r"timed out|refused|unreachable|no route|lost connection|reset by peer", "the other server cannot be reached"),
)]


def messages(report: str) -> List[Dict[str, Any]]:
    """Parse the report: an object in each line, and a warning while Postfix is down. Returns the messages."""
    return [json.loads(line) for line in report.splitlines() if line.startswith("{")]


def meaning(reason: str) -> str:
    """Put the reason of a delay into plain words. Returns them."""
    return next((words for pattern, words in _REASONS if pattern.search(reason)), "the other server defers it")


def judge(waiting: List[Dict[str, Any]], now: float, patience: float) -> Iterator[Finding]:
    """Judge what waits in the queue. `patience`: after so many seconds senders are told (delay_warning_time). Yields
    what was found."""
    held = sum(message["queue_name"] == "hold" for message in waiting)
    if held:
        yield _GROUP.note("{} on hold ('postqueue -p' marks {} with a '!', 'postsuper -H' releases)".format(
            units.number(held, "message is", "messages are"), "it" if held == 1 else "them"))
    late, recent = OrderedDict(), []    # type: Dict[str, List[Any]], List[Any]
    for message in waiting:
        age = now - message["arrival_time"]
        for recipient in message["recipients"] if message["queue_name"] == "deferred" else []:
            words = meaning(recipient.get("delay_reason", ""))
            if age > (_AT_HOME if words == _HOME else patience):
                late.setdefault(words, []).append((age, recipient))
            else:
                recent.append(recipient)
    for words, group in late.items():
        yield _late(words, group)
    if recent:
        yield _GROUP.note(_retried(recent, patience))


def _late(words: str, group: List[Any]) -> Finding:
    oldest, recipient = max(group, key=lambda pair: float(pair[0]))
    domains = sorted({_domain(each) for _, each in group})
    return _GROUP.problem(
        "mail has waited for long: {}".format(words),
        "{} to {}, the oldest for {}: {}".format(
            units.number(len(group), "message", "messages"), ", ".join(domains[:5] + ["…"] * (len(domains) > 5)),
            units.duration(oldest), recipient.get("delay_reason", "")),
        ["postqueue -p"], advice="Once the cause is gone, 'postqueue -f' delivers it at once.")


def _retried(recent: List[Any], patience: float) -> str:
    by_domain = Counter(map(_domain, recent))
    domains = ["{} ({})".format(domain, count) for domain, count in sorted(by_domain.items())]
    normal = " for up to {}".format(units.duration(patience)) if patience != float("inf") else ""
    return "{} queued for a retry: {}: {}; this is normal{}".format(
        units.number(len(recent), "message is", "messages are"), ", ".join(domains[:5] + ["…"] * (len(domains) > 5)),
        meaning(recent[0].get("delay_reason", "")), normal)


def _domain(recipient: Dict[str, Any]) -> str:
    return str(recipient["address"].rpartition("@")[2])
