"""The mail in Postfix's queue, by the login that sent it: held, released, deleted, or delivered now.

The login is in the queue file (sasl_username), because its sender may be any address of the login's. What a mailbox's
Sieve script sends has no login, but comes from this host, with the mailbox's own address as sender. Only Postfix's own
programs read and change the queue: postqueue(1), postcat(1), postsuper(1).
"""
import json
import re
from typing import Dict, Iterator, List, NamedTuple, Tuple  # noqa: F401 (Dict: in a type comment)

from smallmail.machine.host import Host

HELD = "hold"       # the queue of what is held
_AT_ONCE = 200      # messages for one postcat
_HEAD = re.compile(r"\*\*\* ENVELOPE RECORDS (?:\S*/)?(\w+) \*\*\*")

Waiting = NamedTuple("Waiting", [
    ("name", str),                  # the queue ID
    ("queue", str),
    ("sender", str),
    ("recipients", List[str]),
    ("since", float),
])
Origin = NamedTuple("Origin", [
    ("login", str),                 # "" for mail that nobody has submitted
    ("sender", str),                # of the envelope
    ("is_from_here", bool),
])


def waiting(host: Host) -> List[Waiting]:
    """Return all messages in the queue. Raises Failed."""
    found = (json.loads(line) for line in host.run(["postqueue", "-j"]).splitlines() if line.startswith("{"))
    return [Waiting(each["queue_id"], each["queue_name"], each["sender"],
                    [recipient["address"] for recipient in each["recipients"]], each["arrival_time"])
            for each in found]


def sent_by(host: Host, address: str, is_held: bool) -> List[str]:
    """Return the queue IDs of the messages that the owner of a mailbox has sent: those that are held, or the others.
    Raises Failed."""
    names = [each.name for each in waiting(host) if (each.queue == HELD) == is_held]
    found = []  # type: List[str]
    for start in range(0, len(names), _AT_ONCE):
        # A message may have left the queue by now: then postcat says so, and goes on.
        said = host.run(["sh", "-c", "postcat -qe \"$@\" 2>&1 || true", "sh"] + names[start:start + _AT_ONCE],
                        user="postfix")
        found += [name for name, origin in origins(said) if is_by(origin, address)]
    return found


def origins(text: str) -> Iterator[Tuple[str, Origin]]:
    """Read what postcat(1) prints of envelopes. Yields the queue ID and the origin of each message."""
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends):
        yield head.group(1), _origin(text[head.end():end])


def _origin(text: str) -> Origin:
    found = {}  # type: Dict[str, str]
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        if name == "named_attribute":
            name, _, value = value.partition("=")
        found.setdefault(name, value)
    return Origin(found.get("sasl_username", "").lower(), found.get("sender", "").lower(),
                  found.get("client_address") in ("127.0.0.1", "::1"))


def is_by(origin: Origin, address: str) -> bool:
    """Tell whether the owner of that mailbox has sent the message."""
    if origin.login or not origin.is_from_here:
        return origin.login == address
    local_part, _, domain = origin.sender.rpartition("@")
    return "{}@{}".format(local_part.partition("+")[0], domain) == address


def hold(host: Host, names: List[str]) -> None:
    """Keep Postfix from delivering these messages. Raises Failed."""
    _superintend(host, ["-h", "-"], names)


def release(host: Host, names: List[str]) -> None:
    """Let Postfix deliver these messages, which are held. Raises Failed."""
    _superintend(host, ["-H", "-"], names)


def drop(host: Host, names: List[str]) -> None:
    """Delete these messages, which are held. (A name may go from a message that has left to another one, so only what
    is held is deleted: it cannot leave.) Raises Failed."""
    _superintend(host, ["-d", "-", HELD], names)


def retry(host: Host) -> None:
    """Let Postfix try at once to deliver all that waits. Raises Failed."""
    host.run(["timeout", "20", "postqueue", "-f"])


def _superintend(host: Host, options: List[str], names: List[str]) -> None:
    if names:
        host.run(["postsuper"] + options, "".join(name + "\n" for name in names))
