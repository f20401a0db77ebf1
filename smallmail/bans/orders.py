"""What the admin ordered: networks that are banned until further notice, and bans that were lifted. Root writes the
file, the daemon reads it; the networks that are never banned are a setting (`bans-never`)."""
from typing import Dict, List, NamedTuple

from smallmail.bans import clients
from smallmail.bans.book import Ban
from smallmail.bans.clients import Network
from smallmail.machine import state, state_files
from smallmail.machine.host import Host

Orders = NamedTuple("Orders", [
    ("added", Dict[str, int]),      # a network as clients.name() writes it, and when it was added
    ("lifted", Dict[str, int]),     # what began earlier is over
])

# An order to lift is kept longer than any ban lasts.
_KEPT = 30 * 86400


def load(host: Host) -> Orders:
    """Read the orders; none if there are none."""
    value = state_files.load_json(host, state.BANS_ORDERS, {"added": {}, "lifted": {}})
    return Orders(_times(value["added"]), _times(value["lifted"]))


def add(host: Host, network: Network, now: float) -> None:
    """Order a ban that lasts until it is lifted."""
    orders = load(host)
    orders.added.setdefault(clients.name(network), int(now))
    _save(host, orders, now)


def lift(host: Host, network: Network, now: float) -> List[str]:
    """Lift all bans in that network. Returns the ordered ones that it ends."""
    orders = load(host)
    ended = [word for word in orders.added if clients.overlap(network, [clients.network(word)])]
    for word in ended:
        del orders.added[word]
    orders.lifted[clients.name(network)] = int(now)
    _save(host, orders, now)
    return ended


def is_lifted(orders: Orders, ban: Ban) -> bool:
    """Tell whether a ban was lifted since it began."""
    found = clients.network(ban.client)
    return any(ban.since <= when and clients.overlap(found, clients.networks([word]))
               for word, when in orders.lifted.items())


def never(host: Host) -> List[Network]:
    """Return the networks that are never banned, as the last apply wrote them for the daemon."""
    return clients.networks(host.text(state.BANS_NEVER).split())


def _save(host: Host, orders: Orders, now: float) -> None:
    lifted = {word: when for word, when in orders.lifted.items() if now - _KEPT < when <= now}
    state_files.save_json(host, state.BANS_ORDERS, {"added": orders.added, "lifted": lifted})


def _times(value: Dict[str, int]) -> Dict[str, int]:
    return {word: when for word, when in value.items() if isinstance(when, int) and clients.networks([word])}
