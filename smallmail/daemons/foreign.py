"""What mail configuration an admin made on this host before smallmail came: read, never changed.

What Debian's own packages write is nobody's work. Postfix: every parameter that the postinst of bullseye to forky, or
of stretch, puts into main.cf, and every service of their master.cf.dist. Dovecot: every file that ucf knows with the
very content it has. Rspamd: the folders for an admin's own files are empty. Exim: it delivers locally. This module is
also part of the package's debconf `config` script, where only Python's standard library is at hand.
"""
import json
from typing import Dict, List

from smallmail.daemons import (
    dovecot,
    exim,
    packaged,
    postfix,
    rspamd,
)
from smallmail.machine import ports, state

_KINDS = ("files", "parameters", "services")

# Of many things, so many are named.
_SHOWN = 4


def foreign(root: str = "/") -> bool:
    """Whether an admin configured mail here and smallmail is not in charge of it."""
    return not state.managed(root) and bool(found(root))


def found(root: str = "/") -> List[str]:
    """What an admin set up for mail, in words; empty on a host that has only what Debian put there."""
    words, ours = [], _changed_of_ours(root)
    parameters = [name for name in postfix.admins_parameters(packaged.text(root, "etc/postfix/main.cf"))
                  if name not in ours["parameters"]]
    if parameters:
        words.append("/etc/postfix/main.cf ({})".format(_counted(parameters, "parameter")))
    services = [name for name in postfix.admins_services(packaged.text(root, "etc/postfix/master.cf"))
                if name not in ours["services"]]
    if services:
        words.append("/etc/postfix/master.cf ({})".format(_counted(services, "service")))
    for folder, paths in (("/etc/dovecot", dovecot.dovecot(root)), ("/etc/rspamd", rspamd.rspamd(root))):
        words += _shortened([path for path in paths if path[1:] not in ours["files"]], folder)
    words += ["{} (Exim)".format(path) for path in exim.exim(root)]
    words += ["port {}: {}".format(holder.port, ports.words(holder))
              for holder in ports.taken(root, besides=[ports.EXIM])]
    return words


def _changed_of_ours(root: str) -> Dict[str, Dict[str, object]]:
    """What an admin changed of ours while we were in charge, and what therefore stayed when we handed back: by kind and
    name (handback.py). It is no reason to ask him again."""
    try:
        entries = json.loads(packaged.text(root, "var/lib/smallmail/left.json"))["entries"]
        return {kind: entries[kind] for kind in _KINDS}
    except (ValueError, KeyError, TypeError):
        return {kind: {} for kind in _KINDS}


def _counted(names: List[str], word: str) -> str:
    """How many, and the first of them."""
    shown = ", ".join(name.partition("/")[0] for name in names[:_SHOWN])
    more = " and others" if len(names) > _SHOWN else ""
    return "{} {}{}: {}{}".format(len(names), word, "" if len(names) == 1 else "s", shown, more)


def _shortened(paths: List[str], folder: str) -> List[str]:
    """The paths, or the first of many and how many more there are."""
    if len(paths) <= _SHOWN + 1:
        return paths
    return paths[:_SHOWN] + ["{} more files in {}".format(len(paths) - _SHOWN, folder)]
