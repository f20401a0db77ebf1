"""Prepare a daemon's start: `run ready DAEMON`, from smallmail-ready@.service.

A machine may have lost its power in the middle of a swap, or of a change of the accounts; and a release upgrade starts
a daemon in its new version before dpkg has told us of it. So, before it starts: whatever was cut off is taken back,
and what it reads is written for the version that is installed now and for what this host has now. Nothing is started
or reloaded here.
"""
import contextlib
from typing import List

from smallmail.accounts import database
from smallmail.configuration import apply, in_force, transaction
from smallmail.configuration.arrival import whose
from smallmail.daemons import facts
from smallmail.daemons.rspamd import RSPAMD
from smallmail.dkim import former
from smallmail.machine import letters, state
from smallmail.machine.host import Busy, Host
from smallmail.programs import resized

# Another daemon's start may be doing the same: that takes a few seconds.
_PATIENCE = 20.0


def prepare(host: Host, daemon: str) -> List[str]:
    """Undo what was interrupted, and make the daemon's files fit its version and this host. Returns notices for the
    admin."""
    # An apply that holds the lock is starting this daemon itself, and waits for us: then there is nothing to mend.
    with host.lock(_PATIENCE, state.STARTING_LOCK), host.lock(0):
        if whose.is_due(host):
            return ["the state in /{} came from a backup: type 'smallmail apply'".format(state.FOLDER)]
        transaction.undo(host)
        # SQLite's own journal is rolled back by the first who may write: the daemons may only read.
        with database.open_accounts(host):
            pass
        record = in_force.load_record(host)
        # Without originals we are not in charge: what was taken back just now may have been the first apply.
        if not record.originals:
            return []
        settings = in_force.load_or_last(host)
        if facts.gather(host.root).versions[daemon] == record.versions.get(daemon) \
                and not resized.is_due(host, settings, record, daemon):
            return []
        return apply.follow(host, settings, daemon)


def ready(host: Host, arguments: List[str]) -> int:
    """Prepare the start of the daemon that is named. The exit code is for the journal: it starts in any case."""
    with contextlib.suppress(Busy):
        letters.alarm(host, prepare(host, arguments[0]))
    if arguments[0] == RSPAMD.name:
        former.move(host)   # an upgrade may not have come to that yet, but Rspamd's files may name the new folder
    return 0
