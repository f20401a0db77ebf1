"""What is done before a daemon starts: `python3 -m smallmail.ready DAEMON`, from smallmail-ready@.service.

A machine may have lost its power in the middle of a swap, or of a change of the accounts; and a release upgrade starts
a daemon in its new version before dpkg has told us of it. So, before it starts: whatever was cut off is taken back,
and what it reads is written for the version that is installed now. Nothing is started or reloaded here.
"""
import sys
from typing import List

from smallmail import apply, assets, facts, report, store, transaction
from smallmail.errors import EXPECTED
from smallmail.host import Busy, Host

# Another daemon's start may be doing the same: that takes a few seconds.
_PATIENCE = 20.0


def prepare(host: Host, daemon: str) -> List[str]:
    """Mend what was cut off, and let the daemon's files fit its version; notices for the admin."""
    # An apply that holds the lock is starting this daemon itself, and waits for us: then there is nothing to mend.
    with host.lock(_PATIENCE, "starting-lock"), host.lock(0):
        transaction.undo(host)
        # SQLite's own journal is rolled back by the first who may write: the daemons may only read.
        with assets.open_accounts(host):
            pass
        record = apply.load_record(host)
        # Without originals we are not in charge: what was taken back just now may have been the first apply.
        if not record.originals or facts.gather(host.root).versions[daemon] == record.versions.get(daemon):
            return []
        return apply.follow(host, store.load_or_last(host), daemon)


def main(arguments: List[str]) -> int:
    """The exit code is for the journal: the daemon starts in any case."""
    host = Host()
    try:
        report.alarm(host, prepare(host, arguments[0]))
    except Busy:
        return 0
    except EXPECTED as error:
        print("smallmail: {}".format(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
