"""What the admin orders, and that it has the last word."""

from __future__ import annotations

from smallmail.bans import book, clients, orders, packets
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from tests.unit.bans.conftest import BAN, NOW


def test_orders(host: Host) -> None:
    net = clients.network("198.51.100.0/24")
    book.save(host, [BAN])
    orders.add(host, net, NOW)
    assert packets.banned(host, NOW + 1) == [clients.network(BAN.client), net]
    assert orders.lift(host, clients.network("198.51.100.7"), NOW + 1) == ["198.51.100.0/24"]
    orders.lift(host, clients.network("203.0.113.0/24"), NOW + 1)
    assert packets.banned(host, NOW + 1) == []
    again = BAN._replace(since=NOW + 2)
    book.save(host, [again])
    assert packets.banned(host, NOW + 3) == [clients.network(BAN.client)], "it began after it was lifted"
    state_files.write(host, state.BANS_NEVER, "203.0.113.64/26\nnonsense\n")
    assert packets.banned(host, NOW + 3) == []


def test_old_orders_to_lift_are_forgotten(host: Host) -> None:
    for number in range(5):
        orders.lift(host, clients.network(f"10.0.0.{number}"), NOW + number * 20 * 86400)
    assert list(orders.load(host).lifted) == ["10.0.0.3", "10.0.0.4"]
