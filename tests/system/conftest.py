"""Fixtures: installed hosts, to boot or to change, each made once, and a host that publishes its DNS records."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smallmail.publishing import publish, session
from smallmail.zones.authority import Authority
from tests.lab import World
from tests.lab.acme import Acme
from tests.lab.dns import RESOLVER
from tests.lab.installed import installed as layers_of
from tests.lab.network import inside
from tests.support.fixtures import Installed
from tests.support.mail_host import ANSWERS, MailHost
from tests.support.publisher import Publisher, Updates


class SharedHost:
    """One machine for all tests that leave it as they found it.

    It runs as long as such tests follow one another: the machines of other tests have the same name and address.
    """

    def __init__(self) -> None:
        self.suite: str | None = None
        self.host: MailHost | None = None

    def get(self, suite: str, deb: Path, world: World) -> MailHost:
        if self.host is None or self.suite != suite:
            self.close()
            self.host, self.suite = MailHost(suite, deb, world), suite
        return self.host

    def close(self) -> None:
        if self.host:
            self.host.machine.close()
        self.suite, self.host = None, None


_shared = SharedHost()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "shared_host" not in getattr(item, "fixturenames", ()):
        _shared.close()


@pytest.fixture(scope="session")
def shared_host(world: World) -> Iterator[SharedHost]:
    yield _shared
    _shared.close()


@pytest.fixture
def host(shared_host: SharedHost, suite: str, deb: Path, world: World) -> MailHost:
    """A mail server: installed while the machine runs, from a local repository, preseeded and noninteractive."""
    return shared_host.get(suite, deb, world)


@pytest.fixture(scope="session")
def installed(deb: Path) -> Installed:
    """Layers of a host that is installed and set up, by suite: for tests that are not about the installation."""
    return lambda suite: layers_of(suite, deb, ANSWERS)


@pytest.fixture
def publisher(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A host that is a folder and publishes its records; its zones are empty before and after."""
    monkeypatch.setattr(session, "Authority", functools.partial(Authority, resolvers=[RESOLVER]))
    world.dns.empty()
    yield Publisher(tmp_path, world)
    world.dns.empty()


@pytest.fixture
def dns_updates(publisher: Publisher) -> Updates:
    """What a timer does with the records of `publisher`."""
    def on_the_network(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: object) -> Any:
            with inside(publisher.world.client.namespace):
                return function(publisher.host, *given)
        return call
    return Updates(on_the_network(publish.put), on_the_network(publish.withdraw), on_the_network(publish.may_update))


@pytest.fixture(scope="module")
def authority(world: World) -> Iterator[Acme]:
    with Acme(world) as acme:
        yield acme
