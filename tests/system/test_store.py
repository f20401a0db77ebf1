"""What Rspamd has learned outlives a change from Redis to Valkey and back, whose snapshots differ."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from tests.lab import roots
from tests.lab.chroot import Chroot
from tests.lab.errors import until
from tests.support.fixtures import Record

SOURCE = pathlib.Path(__file__).parents[2]
RUN = "/usr/lib/smallmail/redis"
CONFIGURATION = "/usr/share/smallmail/redis.conf"
SOCKET = "/run/smallmail-redis/redis.sock"


@pytest.fixture(scope="module")
def chroot() -> Iterator[Chroot]:
    """A trixie with both servers, and smallmail's way to run one."""
    def install(made: Chroot) -> None:
        made.run(["apt-get", "update"], env=roots.PROXY)
        made.run(["apt-get", "-y", "--no-install-recommends", "install", "redis-server", "valkey-server"],
                 env=roots.PROXY)
    with Chroot(roots.layer("trixie", "stores", roots.base("trixie"), install), "stores") as made:
        made.write(RUN, (SOURCE / "libexec/redis").read_bytes(), 0o755)
        made.write(CONFIGURATION, (SOURCE / "share/redis.conf").read_bytes())
        made.run("mkdir -p /run/smallmail-redis /var/lib/smallmail/redis")
        yield made


class Store:
    """The store, run as smallmail-redis.service runs it, by the one server that is installed; stopped in the end."""

    def __init__(self, chroot: Chroot, server: str) -> None:
        self._chroot = chroot
        self._cli = server.replace("server", "cli")
        # Of two the script would take Valkey.
        chroot.run(f"rm -f /usr/local/sbin/*; ln -s /usr/bin/{server} /usr/local/sbin/{server}")
        chroot.run(f"setsid env PATH=/usr/local/sbin {RUN} {CONFIGURATION} >/var/log/store 2>&1 &")
        until(lambda: "PONG" in self.said("PING"), server, 15, lambda: chroot.read("/var/log/store"))

    def said(self, words: str) -> str:
        return self._chroot.run(f"{self._cli} -s {SOCKET} {words}", check=False).stdout.strip()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.said("BGREWRITEAOF")
        until(lambda: "aof_rewrite_in_progress:0" in self.said("INFO persistence")
              and "aof_rewrite_scheduled:0" in self.said("INFO persistence"), "the store to be rewritten", 15)
        self.said("SHUTDOWN")
        until(lambda: "PONG" not in self.said("PING"), "the store to stop", 15)


def test_redis_and_valkey_read_what_the_other_wrote(chroot: Chroot, record: Record) -> None:
    with Store(chroot, "redis-server") as store:
        store.said("HSET RS learns_spam 41")
        redis = store.said("INFO server | grep -m1 redis_version").strip()
    with Store(chroot, "valkey-server") as store:
        assert store.said("HGET RS learns_spam") == "41"
        store.said("HSET RS learns_ham 42")
        valkey = store.said("INFO server | grep -m1 valkey_version").strip()
    with Store(chroot, "redis-server") as store:
        assert store.said("HMGET RS learns_spam learns_ham").split() == ["41", "42"]
    record(f"{redis} -> {valkey} -> {redis}")
