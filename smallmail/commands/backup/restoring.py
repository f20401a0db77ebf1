"""`smallmail restore`: the whole server, or letters of one mailbox."""
import argparse
import contextlib
import getpass
import sys
import time

from smallmail.backup import mailbox, restic, restore, snapshots
from smallmail.backup.snapshots import Made
from smallmail.check import units
from smallmail.commands import outcome
from smallmail.errors import Problem, WrongUsage
from smallmail.machine import dates, state
from smallmail.machine.host import Failed, Host
from smallmail.settings import store


def server(host: Host, options: argparse.Namespace) -> int:
    """Bring the whole server back. Returns the exit code."""
    if not restic.is_installed(host):
        raise Problem("backups need the package restic: type 'apt install restic'")
    password = "" if host.exists(restic.PASSWORD) and not options.password_stdin else _password(options.password_stdin)
    restore.repository(host, options.repository, password)
    snapshot = _chosen(host, options)
    print("Restoring the backup of {} ({}):".format(snapshot.hostname, dates.minute(snapshot.when)), flush=True)
    with host.lock(0, state.BACKUP_LOCK):
        done = restore.server(host, snapshot, outcome.asked("restore server"),
                              lambda step: print("  " + step, flush=True))
    outcome.tell(host, done)
    print("This host is now that server. 'smallmail dns check' tells which records still name another address.")
    return 0


def mailbox_(host: Host, options: argparse.Namespace) -> int:
    """Bring letters of a mailbox back, into a folder of its own. Returns the exit code."""
    settings = store.load(host)
    restic.use(host, settings)
    snapshot = _chosen(host, options)
    wanted = mailbox.Wanted(options.folder, options.subject)
    with host.lock(0, state.BACKUP_LOCK):
        count = mailbox.restore(host, snapshot, restore.mail_path(snapshot), options.address, wanted)
    if not count:
        raise Problem("the backup of {} has no such letter".format(dates.minute(snapshot.when)))
    with contextlib.suppress(Failed):   # Dovecot is down: the folder is there all the same
        host.run(["doveadm", "mailbox", "subscribe", "-u", options.address, mailbox.INTO])
    print("{} of {} (backup of {}) in the folder {}.".format(
        units.number(count, "letter", "letters"), options.address, dates.minute(snapshot.when), mailbox.INTO))
    return 0


def _chosen(host: Host, options: argparse.Namespace) -> Made:
    return snapshots.chosen(snapshots.load(host), options.at, options.host, time.time())


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise WrongUsage("there is no terminal to ask for the password of the repository: use --password-stdin")
    return getpass.getpass("Password of the repository (/{} on the saved server): ".format(restic.PASSWORD))
