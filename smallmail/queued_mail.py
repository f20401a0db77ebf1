"""The mail in Postfix's queue, by the login that sent it: held, released, deleted, or delivered now.

The login is in the queue file (sasl_username), because its sender may be any address of the login's. What a mailbox's
Sieve script sends has no login, but comes from this host, with the mailbox's own address as sender. Only Postfix's own
programs read and change the queue: postqueue(1), postcat(1), postsuper(1).
"""
import json
import os
from collections import defaultdict
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple  # noqa: F401 (Dict: in a type comment)

from smallmail.machine.host import Host

HELD = "hold"       # the queue of what is held
_AT_ONCE = 200      # messages for one postcat

# What a sender has written into an envelope may have line breaks, and look like another message's. So each message is
# printed below a mark that nobody could know. (One that has left the queue by now has no envelope.)
_POSTCAT = """read -r mark; while read -r name; do echo "$mark $name"; postcat -qe "$name" 2>/dev/null; done; true"""

Waiting = NamedTuple("Waiting", [
    ("name", str),                  # the queue ID
    ("queue", str),
    ("sender", str),
    ("recipients", List[str]),
    ("since", float),
])
# All that the envelope names: a sender can add to it, to be taken for another one as well, but take nothing away.
Origin = NamedTuple("Origin", [
    ("logins", Set[str]),           # none for mail that nobody has submitted
    ("senders", Set[str]),
    ("is_from_here", bool),
])


def waiting(host: Host) -> List[Waiting]:
    """Return all messages in the queue. Raises Failed."""
    lines = host.run(["postqueue", "-j"], seconds=60).splitlines()
    found = (json.loads(line) for line in lines if line.startswith("{"))
    return [Waiting(each["queue_id"], each["queue_name"], each["sender"],
                    [recipient["address"] for recipient in each["recipients"]], each["arrival_time"])
            for each in found]


def sent_by(host: Host, address: str, is_held: bool) -> List[str]:
    """Return the queue IDs of the messages that the owner of a mailbox has sent: those that are held, or the others.
    Raises Failed."""
    names = [each.name for each in waiting(host) if (each.queue == HELD) == is_held]
    found = []  # type: List[str]
    for start in range(0, len(names), _AT_ONCE):
        mark = os.urandom(16).hex()
        lines = [mark] + names[start:start + _AT_ONCE]
        said = host.run(["sh", "-c", _POSTCAT], "\n".join(lines) + "\n", user="postfix")
        found += [name for name, origin in origins(said, mark) if is_by(origin, address)]
    return found


def origins(text: str, mark: str) -> Iterator[Tuple[str, Origin]]:
    """Read what postcat(1) prints of envelopes. `mark`: what is before the queue ID of each message. Yields the queue
    ID and the origin of each."""
    for part in text.split(mark + " ")[1:]:
        name, _, envelope = part.partition("\n")
        yield name, _origin(envelope)


def _origin(envelope: str) -> Origin:
    found = defaultdict(set)    # type: Dict[str, Set[str]]
    for line in envelope.splitlines():
        name, _, value = line.partition(": ")
        if name == "named_attribute":
            name, _, value = value.partition("=")
        found[name].add(value.lower())
    return Origin(found["sasl_username"], found["sender"], bool(found["client_address"] & {"127.0.0.1", "::1"}))


def is_by(origin: Origin, address: str) -> bool:
    """Tell whether the owner of that mailbox has sent the message."""
    if origin.logins or not origin.is_from_here:
        return address in origin.logins
    parts = (sender.rpartition("@") for sender in origin.senders)
    return address in ["{}@{}".format(local_part.partition("+")[0], domain) for local_part, _, domain in parts]


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
    host.run(["postqueue", "-f"], seconds=20)


def _superintend(host: Host, options: List[str], names: List[str]) -> None:
    if names:
        host.run(["postsuper"] + options, "".join(name + "\n" for name in names))
