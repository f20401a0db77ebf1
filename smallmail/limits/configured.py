"""What the service and `run alarms` read of the settings: a file of root's that their user may read.

A mailbox's own limits are in accounts.db, as Postfix and Dovecot read it.
"""
import contextlib
import json
import sqlite3
from typing import Any, Iterator, List, NamedTuple

from smallmail.limits.counting import Limits
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

Configured = NamedTuple("Configured", [
    ("limits", Limits),
    ("postmaster", str),        # an address in the first domain
    ("hostname", str),
    ("notify", str),            # a URL, or the path of a program; "" for neither
    ("login_notice", bool),
])

# A host is never without limits, whatever happened to the file.
DEFAULT = Configured(Limits(400, 1000, 400, 1000, 100), "postmaster", "localhost", "", False)


def prepare(host: Host, settings: Settings) -> Iterator[str]:
    """Write what the service is to know, and make its folders. Yields nothing."""
    # systemd starts the service when the last one exists, and needs all of them then.
    for folder in (state.ALARMS, state.LOGINS, state.LIMITS_SPOOL, state.LIMITS):
        state_files.make_folder(host, folder)
    limits = {name: getattr(settings, "limit_" + name) for name in Limits._fields}
    state_files.save_json(host, state.LIMITS_CONFIGURED, {
        "limits": limits, "postmaster": "postmaster@" + settings.domain[0], "hostname": settings.hostname,
        "notify": settings.notify, "login_notice": settings.login_notice})
    yield from ()


def load(path: str) -> Configured:
    """Read the file. Returns the defaults for what it does not have."""
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
        return Configured(Limits(**found["limits"]), found["postmaster"], found["hostname"], found["notify"],
                          found["login_notice"])
    except (OSError, ValueError, TypeError, KeyError):
        return DEFAULT


class Own:
    """What the accounts say of a mailbox: that there is one, and the limits that it has of its own."""

    def __init__(self, accounts: str) -> None:
        """`accounts`: the path of the accounts' database."""
        self._uri = "file:{}?mode=ro".format(accounts)

    def limits(self, login: str, usual: Limits) -> Limits:
        """Return the limits of a mailbox: its own, and the usual ones for the rest."""
        rows = self._rows("SELECT name, value FROM sending_limit WHERE address = ?", login)
        return usual._replace(**{name: value for name, value in rows if name in usual._fields})

    def is_mailbox(self, login: str) -> bool:
        """Tell whether there is a mailbox of that address."""
        return bool(self._rows("SELECT 1 FROM mailbox WHERE address = ?", login))

    def _rows(self, query: str, login: str) -> List[Any]:
        """Return what the accounts say of a login; nothing if they cannot be read, for a limit must not stop mail."""
        try:
            with contextlib.closing(sqlite3.connect(self._uri, uri=True, timeout=1)) as database:
                return database.execute(query, (login,)).fetchall()
        except sqlite3.Error:
            return []
