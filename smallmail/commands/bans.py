"""`smallmail bans`: who is kept out, and the admin's word on it."""
import argparse
import time
from collections import OrderedDict
from typing import Any, Dict, Optional

from smallmail.bans import book, clients, orders, packets
from smallmail.bans.book import Ban
from smallmail.bans.clients import Network
from smallmail.commands import set as commands_set
from smallmail.commands.arguments.parser import Told
from smallmail.errors import Problem, WrongUsage
from smallmail.machine import addresses, dates
from smallmail.machine.host import Host
from smallmail.settings import store

# Wider networks are typing errors: a part of the Internet, or all of it.
_SHORTEST = {4: 8, 6: 20}


def list_(host: Host, _: argparse.Namespace) -> Told:
    """Return all bans in force: the admin's, and those of guessers."""
    store.must_be_set_up(host)
    now, ordered = time.time(), orders.load(host)
    bans = [ban for ban in book.in_force(book.load(host).values(), now) if not orders.is_lifted(ordered, ban)]
    data = [_data(word, since, 0, None) for word, since in ordered.added.items()]
    data += [_data(ban.client, ban.since, ban.until, ban) for ban in bans]
    lines = ["{:<22}  since {}, until you lift it".format(word, dates.minute(since))
             for word, since in ordered.added.items()]
    return "\n".join(lines + [line(ban) for ban in bans] or ["No address is banned."]), data, 0


def line(ban: Ban) -> str:
    """Write one ban for a person. Returns one line."""
    return "{:<22}  since {}, until {}, tried {}".format(
        ban.client, dates.minute(ban.since), dates.minute(ban.until), ", ".join(ban.names))


def add(host: Host, options: argparse.Namespace) -> int:
    """Ban a network. Returns the exit code."""
    store.must_be_set_up(host)
    network = _typed(options.network)
    if network.prefixlen < _SHORTEST[network.version]:
        raise WrongUsage("{} is too large: ban networks of /{} or smaller".format(network, _SHORTEST[network.version]))
    if network.is_loopback or clients.overlap(network, clients.networks(addresses.public())):
        raise WrongUsage("{} has addresses of this host: they are never banned".format(clients.name(network)))
    if clients.overlap(network, orders.never(host)):
        raise WrongUsage("{} has addresses that are never banned: change the setting bans-never first".format(
            clients.name(network)))
    orders.add(host, network, time.time())
    print("{} is banned until you lift it.".format(clients.name(network)))
    return _put(host)


def lift(host: Host, options: argparse.Namespace) -> int:
    """Lift all bans in a network. Returns the exit code."""
    store.must_be_set_up(host)
    network = _typed(options.network)
    over = orders.lift(host, network, time.time())
    over += [ban.client for ban in book.in_force(book.load(host).values(), time.time())
             if clients.overlap(network, [clients.network(ban.client)])]
    print("No longer banned: {}.".format(", ".join(over)) if over else
          "No address in {} is banned.".format(clients.name(network)))
    return _put(host)


def never(host: Host, options: argparse.Namespace) -> int:
    """Add a network to those that are never banned. Returns the exit code."""
    settings, network = store.load(host), _typed(options.network)
    words = settings.bans_never + [str(network)] * (str(network) not in settings.bans_never)
    orders.lift(host, network, time.time())
    code = commands_set.set_(host, argparse.Namespace(changes=["bans-never={}".format(" ".join(words))],
                                                      password_stdin=False))
    return code or _put(host)


def _put(host: Host) -> int:
    """Let nftables follow at once. Returns the exit code: an error there does not undo what was ordered."""
    try:
        packets.put(host)
    except Problem as error:
        print("Note: {}".format(error))
    return 0


def _typed(word: str) -> Network:
    try:
        return clients.network(word)
    except ValueError as error:
        raise WrongUsage(str(error))


def _data(address: str, since: int, until: int, ban: Optional[Ban]) -> Dict[str, Any]:
    return OrderedDict([
        ("address", address), ("by", "smallmail" if ban else "admin"), ("since", dates.minute(since)),
        ("until", dates.minute(until) if until else ""), ("names", ban.names if ban else []),
        ("tries", ban.tries if ban else 0)])
