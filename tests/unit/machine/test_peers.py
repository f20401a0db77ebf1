"""Whose process is at the other end of a connection, as the kernel tells it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.machine import peers
from smallmail.machine.peers import Endpoint

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
CLIENT, SERVER = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 25)


def connection(root: Path, near: str, far: str, user: int, inode: int, table: str = "tcp") -> None:
    folder = root / "proc/self/net"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / table).exists():
        (folder / table).write_text(HEAD)
    with (folder / table).open("a") as stream:
        stream.write(f"   0: {near} {far} 01 00000000:00000000 00:00000000 00000000 {user:5} 0 {inode}"
                     " 1 0 20 4 1 10 -1\n")


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection of this process with itself: the client's socket, and the server's."""
    family, address = request.param
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]) as client, listener.accept()[0] as server:
            yield client, server


def owner(server: socket.socket) -> int | None:
    """Ask as Postfix does: by what the server knows."""
    return peers.owner(Endpoint(*server.getpeername()[:2]), Endpoint(*server.getsockname()[:2]))


def test_the_owner_of_a_connection_is_found(ends: tuple[socket.socket, socket.socket]) -> None:
    assert owner(ends[1]) == os.getuid()


def test_a_client_that_has_closed_is_nobody(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].close()
    assert owner(ends[1]) is None


def test_the_servers_end_is_not_the_clients(tmp_path: Path) -> None:
    """Both are in the table."""
    connection(tmp_path, "0100007F:0019", "0100007F:9C40", 102, 1)
    connection(tmp_path, "0100007F:9C40", "0100007F:0019", 33, 2)
    assert peers.owner(CLIENT, SERVER, str(tmp_path)) == 33


def test_another_connection_from_the_same_port_does_not_count(tmp_path: Path) -> None:
    connection(tmp_path, "0100007F:9C40", "0100007F:0019", 33, 2)
    connection(tmp_path, "0100007F:9C40", "0100007F:295B", 0, 3)
    assert peers.owner(CLIENT, SERVER, str(tmp_path)) == 33
    assert peers.owner(CLIENT, Endpoint("", 0), str(tmp_path)) is None, "Postfix 3.1 does not tell the server's end"


def test_ipv4_on_a_socket_for_ipv6(tmp_path: Path) -> None:
    connection(tmp_path, "0100007F:0019", "0100007F:9C40", 102, 1)
    mapped = "0000000000000000FFFF00000100007F"
    connection(tmp_path, f"{mapped}:9C40", f"{mapped}:0019", 33, 2, "tcp6")
    assert peers.owner(CLIENT, SERVER, str(tmp_path)) == 33


def test_a_client_elsewhere_is_nobody(tmp_path: Path) -> None:
    connection(tmp_path, "0A7100CB:0019", "4D7100CB:9C40", 102, 1)
    assert peers.owner(Endpoint("203.0.113.77", 40000), Endpoint("203.0.113.10", 25), str(tmp_path)) is None


def test_a_kernel_that_tells_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        peers.owner(CLIENT, SERVER, str(tmp_path))
