"""What was carried out of larger files: see the names below."""
from typing import Dict, Iterable

from smallmail.configuration.plan import Change

# postconf(5): after a change of these Postfix must be stopped and started.
_RESTART_POSTFIX = {"inet_interfaces", "inet_protocols"}

# A reload does not open other sockets, nor give them to other groups; nor make the list of suffixes that options.inc
# names (the unit's drop-in does).
_RESTART_RSPAMD = ("etc/rspamd/local.d/worker-", "etc/rspamd/local.d/options.inc")


def of(kind: str, name: str) -> str:
    """The service that reads that file, parameter or service."""
    folder = name.split("/")[1] if kind == "files" else "postfix"
    return "postfix" if folder == "mailname" else folder


def needed(to_do: Iterable[Change]) -> Dict[str, str]:
    """What each service needs so that it reads what changed: "reload" or "restart"."""
    actions = {}  # type: Dict[str, str]
    for change in to_do:
        service = of(change.kind, change.name)
        if ((change.kind == "parameters" and change.name in _RESTART_POSTFIX)
                or change.name.startswith(_RESTART_RSPAMD)):
            actions[service] = "restart"
        actions.setdefault(service, "reload")
    return actions
