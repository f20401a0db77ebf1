"""A host that is a folder and publishes its DNS records, and what is wrong with its credentials."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import dns.rdata

from smallmail import wanted_records
from smallmail.accounts import database
from smallmail.commands import publish as commands_publish
from smallmail.daemons import table
from smallmail.dkim import keys
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.publishing import published, update
from smallmail.publishing.name_servers import PATH
from smallmail.settings import fields, store
from smallmail.zones import dns_records
from smallmail.zones.answers import value_text
from tests.lab import World
from tests.lab.dns import MACHINES, RESOLVER
from tests.lab.network import GATEWAY, inside
from tests.support.rfc2136 import credentials, section

NAME, DOMAIN = "mx.example.com", "example.com"
NOT_TOUCHED = "Left alone (not written by smallmail): "
OTHER_SECRET = "YW5vdGhlciBzZWNyZXQgZm9yIHRlc3RzLCAzMiBieXRlcw=="

TLSA = [dns_records.Record("_25._tcp." + NAME, "TLSA", "3 1 1 " + digit * 64, "") for digit in "ab"]
NEXT = dns_records.Record("next._domainkey." + DOMAIN, "TXT", "v=DKIM1; k=ed25519; p=" + "A" * 43 + "=", "")
_WRONG = section(OTHER_SECRET)
TROUBLES = [
    (_WRONG, "does not accept our signature with the key 'lab': compare dns_rfc2136_secret"),
    (_WRONG.replace("= lab", "= other"),
     "does not accept the key 'other' with hmac-sha256 for the zone example.com"),
    (_WRONG.replace("SHA256", "SHA512"),
     "does not accept the key 'lab' with hmac-sha512 for the zone example.com"),
    (_WRONG.replace("= lab", "= a..b"), "dns_rfc2136_name is 'a..b', which is not a valid key name"),
    (_WRONG + "dns_rfc2136_port = 54\n", "cannot be reached by TCP, port 54 (connection refused)"),
    (_WRONG.replace(GATEWAY, "a..b"), "a..b cannot be reached by TCP, port 53"),
    (_WRONG.replace(GATEWAY, RESOLVER), "the name server 203.0.113.53 does not "),
]


Records = dict[tuple[str, str], set[str]]  # values by name and type


class Updates(NamedTuple):
    """What a timer does with records, each on the publisher's network."""

    put: Callable[..., object]
    withdraw: Callable[..., object]
    may_update: Callable[..., bool]


class Publisher:
    """A host that is a folder; its name server is the lab's."""

    def __init__(self, folder: Path, world: World) -> None:
        self.host, self.world, self.folder = Host(str(folder)), world, folder
        (folder / "etc/smallmail").mkdir(parents=True)
        (folder / state.FOLDER).mkdir(parents=True)
        (folder / "var/lib/dpkg").mkdir()
        (folder / "var/lib/dpkg/status").write_text("".join(
            f"Package: {daemon.package}\nStatus: install ok installed\nVersion: 9\n\n" for daemon in table.ALL
            if daemon.package))
        self.configure(NAME)
        self.credentials(credentials(world))
        self.add_domain(DOMAIN)

    def configure(self, hostname: str, more: str = "") -> None:
        (self.folder / fields.PATH).write_text(
            f"hostname = {hostname}\ndomain = {DOMAIN}\naddress = alice@{DOMAIN}\n{more}")

    def credentials(self, text: str) -> None:
        (self.folder / PATH).write_text(text)
        (self.folder / PATH).chmod(0o600)

    def add_domain(self, domain: str) -> None:
        with database.open_accounts(self.host) as accounts:
            accounts.add_domain(domain, f"alice@{domain}")
        keys.ensure(self.host, [domain])

    def remove_domain(self, domain: str) -> None:
        with database.open_accounts(self.host) as accounts:
            accounts.remove_domain(domain)
        keys.retire(self.host, domain)

    def publish(self, *names: str, **given: Any) -> int:
        with inside(self.world.client.namespace):
            return commands_publish.publish(self.host, argparse.Namespace(
                **{"names": list(names), "yes": True, "replace": [], "json": False, **given}))

    def wanted(self) -> Records:
        """Return all records that it wants, by name and type, values as name servers answer them."""
        found: Records = {}
        with inside(self.world.client.namespace):
            for record in wanted_records.all_records(self.host, store.load(self.host)):
                entry = update.entry(record)
                found.setdefault((entry.name, entry.type), set()).add(entry.value)
        return found

    def in_dns(self) -> Records:
        """Return all records that the name server has and did not make itself."""
        found: Records = {}
        for zone in MACHINES:
            for name, kind, value in self.world.dns.records(zone):
                found.setdefault((name, kind), set()).add(value_text(dns.rdata.from_text("IN", kind, value)))
        return found

    def owned(self) -> set[tuple[str, str, str]]:
        return {(entry.name, entry.type, entry.value) for entry in published.load(self.host)}
