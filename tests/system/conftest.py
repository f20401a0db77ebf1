"""What the tests of this folder share: installed hosts, to boot or to change, each made once."""
import functools

import pytest

from smallmail.publishing import publish, session
from smallmail.zones.authority import Authority
from tests.lab.acme import Acme
from tests.lab.dns import RESOLVER
from tests.lab.installed import installed as layers_of
from tests.lab.network import inside
from tests.system.mailhost import ANSWERS, MailHost
from tests.system.publishing import Publisher


class Shared:
    """One machine for all tests that leave it as they found it, as long as they follow one another: another machine
    has the same name and address."""

    def __init__(self):
        self.suite, self.host = None, None

    def get(self, suite, deb, world):
        if self.suite != suite:
            self.close()
            self.host, self.suite = MailHost(suite, deb, world), suite
        return self.host

    def close(self):
        if self.host:
            self.host.machine.close()
        self.suite, self.host = None, None


_shared = Shared()


def pytest_runtest_setup(item):
    if "shared" not in item.fixturenames:
        _shared.close()


@pytest.fixture(scope="session")
def shared(world):
    yield _shared
    _shared.close()


@pytest.fixture
def mail(shared, suite, deb, world):
    """Installed while it runs, from a local repository, preseeded and noninteractive."""
    return shared.get(suite, deb, world)


@pytest.fixture(scope="session")
def installed(deb):
    """Layers of a host that is installed and set up, by suite: for tests that are not about how it came to that."""
    return lambda suite: layers_of(suite, deb, ANSWERS)


@pytest.fixture
def mine(tmp_path, world, monkeypatch):
    """Its zones are empty before and after."""
    monkeypatch.setattr(session, "Authority", functools.partial(Authority, resolvers=[RESOLVER]))
    world.dns.empty()
    yield Publisher(tmp_path, world)
    world.dns.empty()


@pytest.fixture
def hands(mine):
    """Its `put`, `withdraw` and `managed`, on its network."""
    def on_the_network(function, *given):
        with inside(mine.world.client.namespace):
            return function(mine.host, *given)
    return [functools.partial(on_the_network, function)
            for function in (publish.put, publish.withdraw, publish.may_update)]


@pytest.fixture(scope="module")
def authority(world):
    with Acme(world) as acme:
        yield acme
