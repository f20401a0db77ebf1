"""Describe the mail configuration that an admin made on this host before smallmail came. It is read, never changed.

What Debian's own packages write is not an admin's. Postfix: every parameter that the postinst of stretch, or of
bullseye to forky, puts into main.cf, and every service of their master.cf.dist. Dovecot: every file with the very
content that ucf knows. Rspamd: the folders for an admin's own files are empty. Exim: it delivers mail locally. This
module is also part of the package's debconf `config` script, where only Python's standard library is at hand.
"""
import json
from typing import Dict, Iterable, Iterator, List

from smallmail.daemons import exim, listening, packaged, postfix, table
from smallmail.daemons.main_cf import MAIN, MASTER
from smallmail.machine import port_holders, state
from smallmail.machine.port_holders import Holder

_KINDS = ("files", "parameters", "services")

# Of a long list, so many items are named.
_NAMED = 4


def exists(root: str = "/") -> bool:
    """Tell whether an admin configured mail on this host and smallmail does not manage it."""
    return not state.in_charge(root) and bool(described(root))


def described(root: str = "/") -> List[str]:
    """Describe what an admin set up for mail, one item a line. Returns nothing for a host as Debian installs it."""
    left = _left_of_ours(root)
    items = list(_postfix_lines(root, left))
    for daemon in reversed(table.ALL):
        paths = ["/" + path for path in daemon.admins_files(root) if path not in left["files"]]
        items += _shortened(paths, "/" + daemon.folders[0]) if paths else []
    items += ["/{} (Exim)".format(path) for path in exim.admins_files(root)]
    return items + ["port {}: {}".format(holder.port, port_holders.words(holder))
                    for holder in holders(root, besides=[exim.PROGRAM])]


def holders(root: str = "/", besides: Iterable[str] = ()) -> List[Holder]:
    """Return the programs that hold a public port of mail and are neither daemons of ours nor among `besides`."""
    programs = [program for daemon in table.ALL for program in daemon.programs]
    return port_holders.taken([port.number for port in listening.EXCLUSIVE], programs + list(besides),
                       [unit for daemon in table.ALL for unit in daemon.socket_units], root)


def _postfix_lines(root: str, left: Dict[str, Dict[str, object]]) -> Iterator[str]:
    """Describe the lines of Postfix's two files that an admin set."""
    for path, kind, word, names in (
            (MAIN, "parameters", "parameter", postfix.admins_parameters(packaged.text(root, MAIN))),
            (MASTER, "services", "service", postfix.admins_services(packaged.text(root, MASTER)))):
        names = [name for name in names if name not in left[kind]]
        if names:
            yield "/{} ({})".format(path, _counted(names, word))


def _left_of_ours(root: str) -> Dict[str, Dict[str, object]]:
    """Return what an admin changed of ours while smallmail managed the host, and what therefore stayed when it was
    removed: by kind and name (configuration/hand_back.py). There is no reason to ask about it again."""
    try:
        entries = json.loads(packaged.text(root, state.LEFT))["entries"]
        return {kind: entries[kind] for kind in _KINDS}
    except (ValueError, KeyError, TypeError):
        return {kind: {} for kind in _KINDS}


def _counted(names: List[str], word: str) -> str:
    """Return how many there are, and the first of them."""
    first = ", ".join(name.partition("/")[0] for name in names[:_NAMED])
    more = " and others" if len(names) > _NAMED else ""
    return "{} {}{}: {}{}".format(len(names), word, "" if len(names) == 1 else "s", first, more)


def _shortened(paths: List[str], folder: str) -> List[str]:
    """Return the paths; of a long list only the first, and how many more there are."""
    if len(paths) <= _NAMED + 1:
        return paths
    return paths[:_NAMED] + ["{} more files in {}".format(len(paths) - _NAMED, folder)]
