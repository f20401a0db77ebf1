"""The table of all daemons. A new daemon gets a module of its own and one line here."""
from typing import Optional

from smallmail.daemons.daemon import Daemon
from smallmail.daemons.dovecot import DOVECOT
from smallmail.daemons.listening import NO_TLS
from smallmail.daemons.own import LIMITS, REDIS
from smallmail.daemons.postfix import POSTFIX
from smallmail.daemons.rspamd import RSPAMD
from smallmail.machine.file import is_readable_by_all

# In the order of starting: a daemon comes after those that it asks.
ALL = (
    REDIS,
    RSPAMD,
    DOVECOT,
    LIMITS,
    POSTFIX,
)

BY_NAME = {daemon.name: daemon for daemon in ALL}
UNITS = [daemon.unit for daemon in ALL]

# Those that read the certificate, and read a new one only after a reload.
SERVING_CERTIFICATE = [daemon for daemon in ALL if any(port.tls != NO_TLS for port in daemon.ports)]

# All folders under /etc that belong to a daemon as a whole.
FOLDERS = [folder for daemon in ALL for folder in daemon.folders]

# The mode, owner and group of files that are not 0644 root:root; the content of those that not everybody may read is
# never shown.
PERMISSIONS = {path: permissions for daemon in ALL for path, permissions in daemon.permissions.items()}
SECRET = {path for path, (mode, _, _) in PERMISSIONS.items() if not is_readable_by_all(mode)}


def reader(path: str) -> Optional[Daemon]:
    """Return the daemon that reads the file of that path; None if no daemon does."""
    for daemon in ALL:
        if path in daemon.other_files or any(path.startswith(folder + "/") for folder in daemon.folders):
            return daemon
    return None
