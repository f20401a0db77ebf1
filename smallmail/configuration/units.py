"""Find out which daemons need a restart because smallmail's own files for their units changed, as an upgrade may do:
systemd uses a drop-in only when it starts the daemon. What did not change is not restarted.

If state.UNITS is lost or damaged, each daemon is restarted once more.
"""
import hashlib
import os
from collections import OrderedDict
from typing import Dict, Iterator, List

from smallmail.daemons import table
from smallmail.daemons.daemon import Daemon
from smallmail.machine import state, state_files
from smallmail.machine.host import Host

_FOLDER = "usr/lib/systemd/system"


def changed(host: Host) -> List[str]:
    """Return the names of the daemons whose files changed since remember()."""
    before = state_files.load_json(host, state.UNITS, {})
    return [name for name, digest in _digests(host).items() if before.get(name) != digest]


def remember(host: Host) -> None:
    """Remember the files of each daemon: all run with them now, or will when they start."""
    state_files.save_json(host, state.UNITS, _digests(host))


def _digests(host: Host) -> Dict[str, str]:
    """Return a digest of each daemon's files, by the daemon's name."""
    return OrderedDict((daemon.name, _digest(host, daemon)) for daemon in table.ALL)


def _digest(host: Host, daemon: Daemon) -> str:
    digest = hashlib.sha256()
    for path in _files(host, daemon):
        digest.update("{}\n{}\n".format(path, host.text(path)).encode("utf-8"))
    return digest.hexdigest()


def _files(host: Host, daemon: Daemon) -> Iterator[str]:
    """Yield our files for the daemon's unit. Debian's own instances of a template are units of the same daemon."""
    yield from daemon.unit_files
    folders = [daemon.unit + ".service.d", daemon.unit + "@.service.d", daemon.unit + "@-.service.d"]
    if daemon.own_unit:
        folders.append("smallmail-.service.d")
        yield os.path.join(_FOLDER, daemon.unit + ".service")
    for folder in folders:
        for name in sorted(host.names(os.path.join(_FOLDER, folder))):
            if "smallmail" in folder + name:
                yield os.path.join(_FOLDER, folder, name)
