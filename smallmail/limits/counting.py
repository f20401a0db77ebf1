"""Decide whether a message may be sent, by what its login has sent before. Pure.

A limit holds for any hour and any day, not for those of the clock: a window moves with the time. A network that a login
sends from for the first time is new for a day. From all new networks together a login may send to few recipients only:
so a newsletter of a known sender passes, and most of what a stolen password is used for does not.
"""
from typing import List, NamedTuple, Optional, Sequence  # noqa: F401 (List: in a type comment)

HOUR, DAY = 3600.0, 86400.0

# The names of the limits are those of the settings, without "limit-". 0: no limit.
Limits = NamedTuple("Limits", [
    ("messages_hour", int),
    ("messages_day", int),
    ("recipients_hour", int),
    ("recipients_day", int),
    ("new_network", int),           # recipients in a day
])

# One message that was accepted.
Sent = NamedTuple("Sent", [
    ("at", float),                  # seconds since 1970
    ("recipients", int),
    ("is_new", bool),               # from a network that was new
])

# A limit that the message would exceed.
Reached = NamedTuple("Reached", [
    ("name", str),                  # of the limit
    ("limit", int),
    ("used", int),                  # messages or recipients in the window until now
    ("until", Optional[float]),     # when the same message is accepted; None: never, it has too many recipients
])

_Rule = NamedTuple("_Rule", [("name", str), ("window", float), ("by_recipients", bool), ("new_only", bool)])

_RULES = (
    _Rule("messages_hour", HOUR, False, False),
    _Rule("messages_day", DAY, False, False),
    _Rule("recipients_hour", HOUR, True, False),
    _Rule("recipients_day", DAY, True, False),
    _Rule("new_network", DAY, True, True),
)


def reached(limits: Limits, before: Sequence[Sent], now: float, recipients: int,
            new_until: Optional[float] = None) -> Optional[Reached]:
    """Return the limit that a message to so many recipients would exceed now; of several the one that lasts longest.
    None if it may be sent. `before`: what the login has sent in the last day; `new_until`: until when the network is
    new that the message comes from."""
    found = []  # type: List[Reached]
    for rule in _RULES:
        limit = getattr(limits, rule.name)
        if limit and (new_until is not None or not rule.new_only):
            each = _exceeded(rule, limit, before, now, recipients)
            if each is not None:
                found.append(_known_by_then(each, new_until) if rule.new_only else each)
    return max(found, key=lambda each: float("inf") if each.until is None else each.until) if found else None


def _exceeded(rule: _Rule, limit: int, before: Sequence[Sent], now: float, recipients: int) -> Optional[Reached]:
    def weight(sent: Sent) -> int:
        return sent.recipients if rule.by_recipients else 1

    more = recipients if rule.by_recipients else 1
    # A time in the future is one that a wrong clock has left: it counts as now.
    counted = sorted((min(sent.at, now), weight(sent)) for sent in before
                     if sent.at > now - rule.window and (sent.is_new or not rule.new_only))
    used = sum(each for _, each in counted)
    if used + more <= limit:
        return None
    rest = used
    for at, each in counted:
        rest -= each
        if rest + more <= limit:
            return Reached(rule.name, limit, used, at + rule.window)
    return Reached(rule.name, limit, used, None)


def _known_by_then(found: Reached, new_until: Optional[float]) -> Reached:
    """Return what was found, with the time when the network is not new any more, if that is earlier."""
    ends = [each for each in (found.until, new_until) if each is not None]
    return found._replace(until=min(ends))
