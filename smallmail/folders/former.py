"""Keep what a removed mailbox leaves out of the way of a mailbox of the same name: mail, filters, subscriptions.

It goes as a whole to .removed/ADDRESS-DATE in the mail directory, and only `smallmail user restore` brings it back.
Everything is renamed as the user who owns the mail: root must not follow a path that this user can change.
"""
import os
import time
from typing import List

from smallmail.errors import Problem
from smallmail.machine import as_user
from smallmail.machine.host import Host

_FOLDER = ".removed"    # no domain: the conversion of folders (convert.py) finds mailboxes there, too


def home(directory: str, address: str) -> str:
    """Return the path of a mailbox's own directory, as Dovecot has it."""
    name, _, domain = address.rpartition("@")
    return "{}/{}/{}".format(directory, domain, name)


def set_aside(host: Host, directory: str, address: str, owner: str = "vmail") -> str:
    """Move what a mailbox has out of its place. Returns where it is now; "" if there was nothing. Raises Problem."""
    place = home(directory, address)
    if not host.exists(place[1:]):
        return ""
    name = "{}-{}".format(address, time.strftime("%Y%m%d-%H%M%S", time.gmtime()))
    kept = "{}/{}/{}".format(directory, _FOLDER, name)
    _move(host, place, kept, owner)
    return kept


def bring_back(host: Host, directory: str, address: str, owner: str = "vmail") -> str:
    """Put what a removed mailbox left last into its place, unless something is there. Returns where that is; "" if
    there is nothing. Raises Problem."""
    place = home(directory, address)
    folder = "{}/{}".format(directory, _FOLDER)
    left = sorted(name for name in host.names(folder[1:]) if name.rpartition("-")[0].rpartition("-")[0] == address)
    if host.exists(place[1:]):
        return place
    if not left:
        return ""
    _move(host, "{}/{}".format(folder, left[-1]), place, owner)
    return place


def _move(host: Host, source: str, target: str, owner: str) -> None:
    reason = as_user.run(owner, lambda: _renamed(host.path(source[1:]), host.path(target[1:])))
    if reason:
        raise Problem("{} cannot be moved to {} ({}): move it yourself, and try again".format(
            source, target, reason[0]))


def _renamed(source: str, target: str) -> List[str]:
    """Rename a directory, synced. Returns why that is not possible, or nothing."""
    try:
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
        if os.path.lexists(target):
            return ["that exists already"]
        os.rename(source, target)
        os.sync()
    except OSError as error:
        return [error.strerror]
    return []
