"""Which daemon reads a thing of the configuration, and what that daemon needs after a change of it.

A reload, unless the daemon's value in daemons/ names the thing in `restart_for` or `stop_for`.
"""
from fnmatch import fnmatchcase
from typing import Dict, Iterable, List, Optional

from smallmail.configuration.plan import Change
from smallmail.daemons import table
from smallmail.daemons.daemon import Daemon
from smallmail.daemons.postfix import POSTFIX


def reader(kind: str, name: str) -> Optional[Daemon]:
    """Return the daemon that reads that file, parameter or service; None if no daemon reads it (certbot, too, has a
    file of ours)."""
    return table.reader(name) if kind == "files" else POSTFIX


def is_read_by(daemon: str, kind: str, name: str) -> bool:
    """Tell whether the daemon of that name reads that file, parameter or service."""
    its_reader = reader(kind, name)
    return its_reader is not None and its_reader.name == daemon


def stopped_for(to_do: Iterable[Change]) -> List[Daemon]:
    """Return the daemons that must not run while these changes are made."""
    names = [change.name for change in to_do if change.kind == "files"]
    return [daemon for daemon in table.ALL if any(_fits(name, daemon.stop_for) for name in names)]


def needed(to_do: Iterable[Change]) -> Dict[str, str]:
    """Return what each daemon needs so that it reads what changed: "reload" or "restart", by the daemon's name."""
    actions = {}  # type: Dict[str, str]
    for change in to_do:
        daemon = reader(change.kind, change.name)
        if daemon is None:
            continue
        if _fits(change.name, daemon.restart_for + daemon.stop_for):
            actions[daemon.name] = "restart"
        actions.setdefault(daemon.name, "reload")
    return actions


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
