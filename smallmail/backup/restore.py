"""Bring a whole server back from a backup, onto a fresh machine of the same suite or a newer one.

The state comes to a folder of root's first, and the mail into the mail directory while nobody but root can enter it: so
no other user can lead a restored file elsewhere. Then the state is taken for what it is, that of another machine
(configuration/arrival), and an apply makes this machine's configuration.
"""
import os
from typing import Callable, List

from smallmail.backup import copies, restic
from smallmail.backup.snapshots import Made
from smallmail.configuration import apply
from smallmail.configuration.apply import Outcome
from smallmail.daemons import postfix_maps, running, table
from smallmail.errors import Problem
from smallmail.machine import services, state, state_files, stock_store, walk
from smallmail.machine.host import Host
from smallmail.settings import store
from smallmail.settings.fields import Settings

# Where the mail comes to first, in the mail directory.
_MAIL = ".smallmail-restoring"


def server(host: Host, snapshot: Made, asked: str, tell: Callable[[str], None]) -> Outcome:
    """Make this host the server that was saved. `tell` is told each step. Returns what the apply has done. Raises
    Problem; then it can be repeated."""
    mail = mail_path(snapshot)
    tell("settings, accounts and keys")
    with restic.scratch(host) as folder:
        restic.run(host, ["restore", snapshot.number, "--target", host.path(folder), "--exclude", mail])
        scratch = Host(host.path(folder), owns=False)
        settings = store.parsed(store.must_be_set_up(scratch))
        _must_be_empty(host, settings.mail_directory)
        if services.managed() and host.root == "/":
            running.stop(host, table.ALL)
        _put_state(host, scratch, [path for path in snapshot.paths if path != mail])
    tell("mail to {}".format(settings.mail_directory))
    _put_mail(host, snapshot, mail, settings.mail_directory)
    state_files.write(host, state.ARRIVED, "")
    tell("the configuration of Postfix, Dovecot and Rspamd")
    done = apply.apply(host, settings, asked)
    postfix_maps.renew(host)
    return done._replace(notices=done.notices + stock_store.retire(host))


def mail_path(snapshot: Made) -> str:
    """Return the mail directory of the machine that was saved: take.py names it last."""
    known = ("/etc/", "/" + state.FOLDER)
    found = [path for path in snapshot.paths if not path.startswith(known)]
    if len(found) != 1:
        raise Problem("the backup {} is not one of 'smallmail backup'".format(snapshot.number))
    return found[0]


def _must_be_empty(host: Host, directory: str) -> None:
    """Raise Problem if there is mail already, unless this is the second try (the folder is closed then)."""
    path = directory[1:]
    if not host.exists(path):
        return
    status = os.stat(host.path(path))
    is_closed = (status.st_uid, status.st_mode & 0o777) == (0, 0o700)
    others = [name for name in host.names(path) if name not in ("lost+found", ".smallmail", _MAIL)]
    if others and not is_closed and any(host.names("{}/{}".format(path, name)) for name in others):
        raise Problem("{} contains mail: move it away first (to bring back single mailboxes, type 'smallmail restore"
                      " mailbox ADDRESS')".format(directory))


def _put_state(host: Host, scratch: Host, paths: List[str]) -> None:
    """Put what was restored into its places; what is in folders of other users' now is replaced as a whole. The folders
    above, which are not smallmail's, stay as they are."""
    copies.put_back(scratch)
    for folder, permissions in state.FOLDERS.items():
        if permissions.owner != "root" and scratch.exists(folder):
            host.run(["rm", "-rf", host.path(folder)])
    for path in [path for path in paths if scratch.exists(path[1:])]:
        above = os.path.dirname(path[1:])
        if not host.exists(above):
            host.directory(above)
        host.run(["cp", "-a", "--no-preserve=ownership", scratch.path(path[1:]), host.path(above)])


def _put_mail(host: Host, snapshot: Made, mail: str, directory: str) -> None:
    """Restore the mail into the mail directory, which root closes until the apply gives it to vmail."""
    path = directory[1:]
    with walk.into(host.root, path, make=True) as place:
        if place.is_movable:
            raise Problem("{} is in a folder that another user can change: choose another mail-directory".format(
                directory))
        os.fchown(place.folder, 0, 0)
        os.fchmod(place.folder, 0o700)
    closed = host.path(host.real(path))
    scratch = os.path.join(closed, _MAIL)
    host.run(["rm", "-rf", scratch])
    restic.run(host, ["restore", snapshot.number, "--target", scratch, "--include", mail])
    restored = scratch + mail
    host.run(_without_secrets(restored))
    for name in os.listdir(restored):
        there = os.path.join(closed, name)
        if os.path.isdir(there) and name != "lost+found":
            host.run(["rm", "-rf", there])
        os.rename(os.path.join(restored, name), there)
    host.run(["rm", "-rf", scratch])


def _without_secrets(folder: str) -> List[str]:
    """Return the command that deletes what the owner of the mail could not read when it was saved: it was exchanged for
    a letter while restic read it (smallmail/backup/__init__.py)."""
    status = os.stat(folder)
    readable = ["(", "-uid", str(status.st_uid), "-o", "-perm", "-o=r",
                "-o", "-gid", str(status.st_gid), "-perm", "-g=r", ")"]
    return ["find", folder, "-type", "f", "!"] + readable + ["-delete"]


def repository(host: Host, text: str, password: str) -> Settings:
    """Make a repository known from which a fresh host is restored. Returns settings that name it. Raises Problem."""
    settings = Settings({"backup-repository": text})
    if password:
        restic.keep_password(host, password)
    restic.use(host, settings)
    return settings
