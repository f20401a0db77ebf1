"""Run the checks, in groups side by side, for most of them wait for the network.

A module that finds something has a function `findings(host, settings)`, and a line in CHECKS: the groups of this room,
and the rooms below that judge their own affairs.
"""
import concurrent.futures
import importlib
from typing import Callable, Iterable, Iterator, List, NamedTuple

from smallmail.backup import result as backup_result
from smallmail.bans import unit as bans_unit
from smallmail.check.groups import (
    dns,
    host as groups_host,
    mail,
    mailboxes,
    ports,
    reach,
    reputation,
    security,
    tls,
    updates,
)
from smallmail.dkim import rotation
from smallmail.findings import Finding, Group
from smallmail.folders import volume
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import rollover, served

Check = NamedTuple("Check", [
    ("group", str),
    ("findings", Callable[[Host, Settings], Iterable[Finding]]),
])

# In the order of telling, one a line: a test misses whatever a merge takes away.
CHECKS = (
    Check("host", groups_host.findings),
    Check("host", reach.findings),
    Check("host", volume.findings),
    Check("host", bans_unit.findings),
    Check("host", backup_result.findings),
    Check("dns", rotation.findings),
    Check("dns", dns.findings),
    Check("tls", served.findings),
    Check("tls", tls.findings),
    Check("tls", rollover.findings),
    Check("ports", ports.findings),
    Check("mail", mail.findings),
    Check("mail", mailboxes.findings),
    Check("reputation", reputation.findings),
    Check("security", security.findings),
    Check("updates", updates.findings),
)
GROUPS = sorted({check.group for check in CHECKS}, key=[check.group for check in CHECKS].index)

# What the checks load when they need it. It is loaded before there are threads: up to Python 3.11, two that load
# modules may wait for each other for good (CPython issue 91351).
_LATE = ["_strptime", "calendar", "encodings.idna", "encodings.unicode_escape", "http.client", "jinja2", "smtplib",
         "ssl", "subprocess", "smallmail.zones.authority", "smallmail.zones.resolver"]

# python-apt, which the check of the host uses too to ask for versions, must not run in two threads.
_ALONE = ["updates"]


def findings(host: Host, settings: Settings, groups: Iterable[str]) -> List[Finding]:
    """Check these groups. Returns all that was found, in the order of CHECKS."""
    chosen = [check for check in CHECKS if check.group in groups]
    for name in _LATE:
        importlib.import_module(name)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(CHECKS)) as pool:
        running = [None if check.group in _ALONE else pool.submit(_one, check, host, settings) for check in chosen]
    found = []  # type: List[Finding]
    for check, job in zip(chosen, running):
        # Two checks of a group may fail for the same reason, which is told once.
        found += [each for each in (job.result() if job else _one(check, host, settings)) if each not in found]
    return found


def _one(check: Check, host: Host, settings: Settings) -> List[Finding]:
    return list(Group(check.group).all_of(_run(check, host, settings)))


def _run(check: Check, host: Host, settings: Settings) -> Iterator[Finding]:
    yield from check.findings(host, settings)
