"""The password at the relayhost goes to the relayhost, and to nobody on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import World
from tests.lab.submission import Provider, Providers
from tests.support import letters
from tests.support.fixtures import Record
from tests.support.mail_host import ALICE, BOB, MailHost

ZONE = "provider.example.com"
SECRET = "relay-secret-7"
RIGHT, WRONG_NAME, UNTRUSTED, EXPIRED, STRIPPED = PROVIDERS = [
    Provider(f"right.{ZONE}", "203.0.113.71", f"right.{ZONE}"),
    Provider(f"wrong.{ZONE}", "203.0.113.72", f"mx.{ZONE}"),
    Provider(f"untrusted.{ZONE}", "203.0.113.73", f"untrusted.{ZONE}", trusted=False),
    Provider(f"expired.{ZONE}", "203.0.113.74", f"expired.{ZONE}", days=-1),
    Provider(f"stripped.{ZONE}", "203.0.113.75"),
]  # fmt: skip
CASES = [(provider, port) for provider in PROVIDERS for port in (587, 465) if provider.certified or port == 587]


@pytest.fixture(scope="module")
def providers(world: World) -> Iterator[Providers]:
    with Providers(world.dns, ZONE, PROVIDERS) as made:
        yield made


@pytest.fixture
def relaying(host: MailHost, providers: Providers) -> Iterator[MailHost]:
    """A host that trusts the authority, and that sends directly again in the end."""
    host.machine.write("/usr/local/share/ca-certificates/lab.crt", providers.authority.certificate)
    host.machine.run("update-ca-certificates; rm -f /usr/local/share/ca-certificates/lab.crt")
    yield host
    host.machine.run("update-ca-certificates; postsuper -d ALL deferred", check=False)
    host.smallmail("set relayhost= relay-username= relay-password=")


def test_only_the_relayhost_gets_the_password(relaying: MailHost, providers: Providers, record: Record) -> None:
    got = set()
    for provider, port in CASES:
        before = len(providers.seen(provider.name))
        relayhost = f"[{provider.name}]:{port}"
        relaying.smallmail(f"set relayhost={relayhost} relay-username=anna relay-password= --password-stdin",
                           SECRET + "\n")
        relaying.submit(letters.plain(ALICE, BOB, f"by {provider.name} at {port}"))
        relaying.wait(lambda: providers.seen(provider.name)[before:] and is_settled(relaying), relayhost)
        relaying.machine.run("postsuper -d ALL deferred", check=False)
        if any(SECRET in line for line in providers.seen(provider.name)[before:]):
            got.add((provider.name, port))
    assert got == {(RIGHT.name, 587), (RIGHT.name, 465)}
    record(f"{len(CASES)} ways to a relayhost, {len(got)} of them got the password")


def is_settled(host: MailHost) -> bool:
    """Whether everything has left, or waits for its next attempt."""
    return all('"delay_reason"' in line for line in host.machine.run("postqueue -j").stdout.splitlines())
