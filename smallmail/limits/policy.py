"""Answer Postfix's question whether a login may send a message (SMTPD_POLICY_README): count it, or refuse it.

A refusal is temporary (450) wherever the same message can be sent later: mail programs show the text of either kind,
but one that has an outbox keeps the message there after a 4xx, and a mail server behind the login keeps it in its
queue. After a 5xx both give it up. Only a message whose recipients alone exceed the limit gets a 550.
"""
from typing import Callable, Dict, List, NamedTuple

from smallmail.bans.reports import Login
from smallmail.limits import logins, networks, told
from smallmail.limits.configured import Configured
from smallmail.limits.counting import Limits, Reached, Sent, reached
from smallmail.limits.memory import Memory
from smallmail.limits.told import Letter
from smallmail.machine import dates

ACCEPTED = "DUNNO"

Answer = NamedTuple("Answer", [
    ("action", str),            # as access(5) has it
    ("letters", List[Letter]),  # to be sent at once
])


def parse(text: str) -> Dict[str, str]:
    """Read a question: a line for each attribute, "name=value". Returns the attributes."""
    pairs = (line.partition("=") for line in text.split("\n"))
    return {name: value for name, equals, value in pairs if equals}


def answer(asked: Dict[str, str], configured: Configured, own: Callable[[str, Limits], Limits], memory: Memory,
           now: float) -> Answer:
    """Decide on one message, and remember it if it may be sent. `own` returns the limits of a login."""
    login, count = sender(asked), asked.get("recipient_count", "")
    if not login or not count.isdigit() or int(count) == 0:
        return Answer(ACCEPTED, [])
    address = asked.get("client_address", "") if asked.get("sasl_username") else ""
    network = networks.of(address)
    new_until = memory.seen(login, network, now).new_until if network else None
    # The daemon of bans has mostly reported this login already; but it may be away.
    letters = logins.letters(configured, memory, Login(login, address, "smtp", now), now)
    limits = own(login, configured.limits)
    found = reached(limits, memory.sent(login, now), now, int(count), new_until)
    if found is None:
        memory.add(login, Sent(now, int(count), new_until is not None), address)
        return Answer(ACCEPTED, letters)
    if memory.must_tell(login, found.name, now):
        letters.append(told.limit_reached(configured, login, found, memory.addresses(login, now), address, now))
    return Answer(_refusal(login, found, int(count), configured.postmaster), letters)


def sender(asked: Dict[str, str]) -> str:
    """Return by whom the message counts: the login; of what a mailbox's Sieve script sends, the mailbox."""
    if asked.get("policy_context") != "sieve":
        return asked.get("sasl_username", "").lower()
    local_part, _, domain = asked.get("sender", "").lower().rpartition("@")
    return "{}@{}".format(local_part.partition("+")[0], domain) if local_part else ""


def _refusal(login: str, found: Reached, recipients: int, postmaster: str) -> str:
    if found.until is None:
        return "550 5.7.1 This message has {} recipients, and {} may send to {} {}: send it in parts, or ask {}".format(
            recipients, login, found.limit, told.PERIODS[found.name], postmaster)
    # The minute is rounded up, so that it is true.
    return ("450 4.7.1 {} has reached the limit of {} {}: it can send this message after {}. {} can change the limit"
            .format(login, found.limit, told.LIMITS[found.name], dates.minute(found.until + 60), postmaster))


