"""The groups of `smallmail check`, and how they are run: side by side, for most of them wait for the network."""
import concurrent.futures
from collections import OrderedDict
from typing import Callable, Dict, Iterable, Iterator, List  # noqa: F401 (in a type comment)

from smallmail.check.groups import (
    dns,
    host as groups_host,
    mail,
    ports,
    reputation,
    tls,
    updates,
)
from smallmail.findings import Finding, Group
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

_Check = Callable[[Host, Settings], Iterator[Finding]]

_CHECKS = OrderedDict([
    ("host", groups_host.findings),
    ("dns", dns.findings),
    ("tls", tls.findings),
    ("ports", ports.findings),
    ("mail", mail.findings),
    ("reputation", reputation.findings),
    ("updates", updates.findings),
])  # type: Dict[str, _Check]

# python-apt, which the check of the host asks for versions, too, is not made for threads.
_ALONE = ["updates"]
GROUPS = list(_CHECKS)


def findings(host: Host, settings: Settings, groups: Iterable[str]) -> List[Finding]:
    """All that was found in these groups, in their order."""
    chosen = [name for name in _CHECKS if name in groups]
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(_CHECKS)) as pool:
        running = {name: pool.submit(_one, name, host, settings) for name in chosen if name not in _ALONE}
    return [finding for name in chosen
            for finding in (running[name].result() if name in running else _one(name, host, settings))]


def _one(name: str, host: Host, settings: Settings) -> List[Finding]:
    return list(Group(name).all_of(_CHECKS[name](host, settings)))
