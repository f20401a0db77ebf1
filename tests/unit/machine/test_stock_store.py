"""When Debian's own server of Redis or Valkey is unused, on hosts that are folders with dpkg's and apt's lists."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smallmail.machine import state, state_files, stock_store
from smallmail.machine.host import Host

CONF = "bind 127.0.0.1 -::1\n"
PACKAGES = f"""
Package: redis-server
Status: install ok installed
Depends: redis-tools (= 5:7.0.15)
Provides: redis-like (= 1)
Conffiles:
 /etc/redis/redis.conf {hashlib.md5(CONF.encode()).hexdigest()}
 /etc/redis/gone.conf 0123456789abcdef0123456789abcdef obsolete

Package: redis-tools
Status: install ok installed
Enhances: redis-server

Package: smallmail-server
Status: install ok half-configured
Depends: valkey-server | redis-server

Package: rspamd
Status: install ok installed
Recommends: redis-server

Package: gone
Status: deinstall ok config-files
Depends: redis-server

Package: other
Status: install ok installed
Depends: redis-server-like, libc6 (>= 2.38)
"""
NEW = "# Clients\r\nconnected_clients:1\r\n\r\n# Keyspace\r\n\r\n+OK\r\n"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with Debian's redis-server, which apt installed for Rspamd's sake."""
    for path, text in {"var/lib/dpkg/status": PACKAGES.lstrip(), "etc/redis/redis.conf": CONF,
                       "var/lib/redis/dump.rdb": "REDIS",
                       "var/lib/apt/extended_states": "Package: redis-server\nAuto-Installed: 1\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Host(str(tmp_path))


@contextmanager
def server(monkeypatch: pytest.MonkeyPatch, *parts: bytes) -> Iterator[None]:
    """A server that answers so, and then says nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(stock_store, "_ADDRESS", listening.getsockname())
        monkeypatch.setattr(stock_store, "_PATIENCE", 1.0)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                for part in parts:
                    connection.sendall(part)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_a_server_that_came_for_others_and_has_nothing_is_unused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(monkeypatch, NEW[:30].encode(), NEW[30:].encode()):
        assert stock_store.is_unused(host, "redis-server")
    assert not stock_store.is_unused(host, "valkey-server")


def test_a_package_that_provides_nothing_else_is_named_by_its_name_alone() -> None:
    own, rspamd, web = ({"Package": name, **dict.fromkeys(("Provides", *stock_store._RELATIONS), "")}
                        for name in ("valkey-server", "rspamd", "web"))
    assert stock_store.users(own, [own, rspamd, web]) == []
    rspamd["Recommends"] = web["Recommends"] = "valkey-server | redis-server"
    assert stock_store.users(own, [own, rspamd, web]) == ["web"]


def changed(path: str, text: str) -> Callable[[Host], object]:
    def change(host: Host) -> None:
        Path(host.path(path)).parent.mkdir(parents=True, exist_ok=True)
        Path(host.path(path)).write_text(text)
    return change


def needed(relation: str) -> Callable[[Host], object]:
    web = f"Package: web\nStatus: install ok installed\n{relation}\n"
    return changed("var/lib/dpkg/status", f"{PACKAGES.lstrip()}\n{web}")


@pytest.mark.parametrize("change", [
    changed("var/lib/apt/extended_states", "Package: redis-server\nAuto-Installed: 0\n"),
    lambda host: host.remove("var/lib/apt/extended_states"),
    needed("Depends: php, memcached | redis-server (>= 2)"), needed("Suggests: redis-server:any"),
    needed("Recommends: redis-like"), needed("Enhances: redis-server"), needed("Pre-Depends: redis-server"),
    changed("etc/redis/redis.conf", CONF + "requirepass x\n"),
    lambda host: host.remove("etc/redis/redis.conf"),
    changed("etc/systemd/system/redis-server.service.d/own.conf", "[Service]\n"),
    changed("var/lib/redis/appendonlydir/appendonly.aof.manifest", ""), changed("var/lib/redis/own.rdb", ""),
])  # fmt: skip
def test_one_sign_of_use_is_enough(host: Host, change: Callable[[Host], object],
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_store, "_answer", lambda _: NEW)
    assert stock_store.is_unused(host, "redis-server")
    change(host)
    assert not stock_store.is_unused(host, "redis-server")


@pytest.mark.parametrize("answer", [
    "", "-NOAUTH Authentication required.\r\n", "-DENIED protected mode\r\n", "# Keyspace\r\n",
    NEW.replace(":1\r", ":2\r"), NEW.replace("Keyspace\r\n", "Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n"),
])  # fmt: skip
def test_a_server_with_data_clients_or_a_password_is_not_idle(answer: str) -> None:
    assert stock_store.is_idle(NEW)
    assert not stock_store.is_idle(answer)


@pytest.mark.parametrize("parts", [[], [b"x" * (1 << 20)], [b"\xff\0" * 100]])
def test_whatever_answers_ends(monkeypatch: pytest.MonkeyPatch, parts: list[bytes]) -> None:
    with server(monkeypatch, *parts):
        assert not stock_store.is_idle(stock_store._answer(b"PING\r\n"))


def test_only_the_machine_itself_is_touched(host: Host) -> None:
    state_files.save_json(host, state.RETIRED_STORES, ["redis-server"])
    assert stock_store.retire(host) == []
    assert stock_store.hand_back(host) == []
    assert not host.exists(state.RETIRED_STORES)
