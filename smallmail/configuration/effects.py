"""Which daemon reads a thing of the configuration, and what that daemon needs after a change of it.

A reload, unless the daemon's value in daemons/ names the thing in `restart_for` or `stop_for`. A restart, if our files
for its unit changed. What did not change is not restarted.
"""
import hashlib
import os
from collections import OrderedDict
from fnmatch import fnmatchcase
from typing import Dict, Iterable, Iterator, List, Optional

from smallmail.configuration.plan import Change
from smallmail.daemons import table
from smallmail.daemons.daemon import Daemon
from smallmail.daemons.postfix import POSTFIX
from smallmail.machine import state, state_files
from smallmail.machine.host import Host

_UNITS = "usr/lib/systemd/system"


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


def units_changed(host: Host) -> List[str]:
    """Return the names of the daemons that need a restart because our own files for their units changed since
    remember_units(), as an upgrade may do: systemd uses a drop-in only when it starts the daemon. If state.UNITS is
    lost or damaged, each daemon is restarted once more."""
    before = state_files.load_json(host, state.UNITS, {})
    return [name for name, digest in _unit_digests(host).items() if before.get(name) != digest]


def remember_units(host: Host) -> None:
    """Remember our files for the units of all daemons: these run with them now, or will when they start."""
    state_files.save_json(host, state.UNITS, _unit_digests(host))


def _unit_digests(host: Host) -> Dict[str, str]:
    """Return a digest of each daemon's files, by the daemon's name."""
    return OrderedDict((daemon.name, _unit_digest(host, daemon)) for daemon in table.ALL)


def _unit_digest(host: Host, daemon: Daemon) -> str:
    digest = hashlib.sha256()
    for path in _unit_files(host, daemon):
        digest.update("{}\n{}\n".format(path, host.text(path)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _unit_files(host: Host, daemon: Daemon) -> Iterator[str]:
    """Yield our files for the daemon's unit. Debian's own instances of a template are units of the same daemon."""
    yield from daemon.unit_files
    folders = [daemon.unit + ".service.d", daemon.unit + "@.service.d", daemon.unit + "@-.service.d"]
    if daemon.own_unit:
        folders.append("smallmail-.service.d")
        yield os.path.join(_UNITS, daemon.unit + ".service")
    for folder in folders:
        for name in sorted(host.names(os.path.join(_UNITS, folder))):
            if "smallmail" in folder + name:
                yield os.path.join(_UNITS, folder, name)
