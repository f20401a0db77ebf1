"""What each login has sent in the last day, from which networks it has sent and been used, and what was told to whom.

It is in SQLite, so that a restart forgets nothing. A damaged file is set aside, and all begins anew: a limit must not
stop mail.
"""
import contextlib
import sqlite3
from typing import List, NamedTuple, Optional

from smallmail.bans.reports import Login
from smallmail.limits.counting import DAY, Sent
from smallmail.machine.host import Host

# A network is forgotten when a login has not used it for so long.
_REMEMBERED = 60 * DAY
# Of one login; beyond it, the network that was not used for the longest time is forgotten, and a login is not told.
_NETWORKS, _UNTOLD = 1000, 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (login TEXT NOT NULL, at REAL NOT NULL, recipients INTEGER NOT NULL,
                                 address TEXT NOT NULL, is_new INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sent_login ON sent (login, at);
CREATE TABLE IF NOT EXISTS network (login TEXT NOT NULL, network TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL,
                                    PRIMARY KEY (login, network));
CREATE TABLE IF NOT EXISTS told (login TEXT NOT NULL, name TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (login, name));
CREATE TABLE IF NOT EXISTS begun (at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS login_network (login TEXT NOT NULL, network TEXT NOT NULL, first REAL NOT NULL,
                                          last REAL NOT NULL, PRIMARY KEY (login, network));
CREATE TABLE IF NOT EXISTS first_login (login TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS untold (login TEXT NOT NULL, address TEXT NOT NULL, protocol TEXT NOT NULL,
                                   at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS untold_login ON untold (login);
CREATE TABLE IF NOT EXISTS notice (login TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS notice_login ON notice (login);
"""

Seen = NamedTuple("Seen", [
    ("is_first", bool),                 # the login has not used this network before
    ("new_until", Optional[float]),     # until when it is new; None if it is known
])


class Memory:
    """The open database. A method that meets a damaged file raises sqlite3.Error."""

    def __init__(self, host: Host, path: str, now: float) -> None:
        """Open the file, or make it."""
        self._host, self._path = host, path
        try:
            self._open(now)
        except sqlite3.DatabaseError:
            self.begin_anew(now)

    def begin_anew(self, now: float) -> None:
        """Set the file aside, and forget everything."""
        with contextlib.suppress(sqlite3.Error, AttributeError):
            self._db.close()
        with contextlib.suppress(OSError):      # a full disk has no room for the copy
            self._host.put(self._path + ".damaged", self._host.file(self._path))
        for ending in ("-wal", "-shm", ""):
            self._host.remove(self._path + ending)
        self._open(now)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def sent(self, login: str, now: float) -> List[Sent]:
        """Return what the login has sent in the last day."""
        # Times that a wrong clock has left in the future would count for ever.
        self._db.execute("UPDATE sent SET at = ? WHERE login = ? AND at > ?", (now, login, now))
        rows = self._db.execute("SELECT at, recipients, is_new FROM sent WHERE login = ? AND at > ? ORDER BY at",
                                (login, now - DAY))
        return [Sent(at, recipients, bool(is_new)) for at, recipients, is_new in rows]

    def add(self, login: str, sent: Sent, address: str) -> None:
        """Remember a message that was accepted, and forget those of the days before."""
        self._db.execute("INSERT INTO sent VALUES (?, ?, ?, ?, ?)",
                         (login, sent.at, sent.recipients, address, sent.is_new))
        self._db.execute("DELETE FROM sent WHERE login = ? AND at <= ?", (login, sent.at - DAY))

    def seen(self, login: str, network: str, now: float) -> Seen:
        """Remember that the login sends from a network. Returns whether it is new."""
        return self._seen("network", login, network, now, self._is_first_day(now))

    def addresses(self, login: str, now: float) -> List[str]:
        """Return the addresses from which the login has sent in the last day, the most used first."""
        rows = self._db.execute("SELECT address, sum(recipients) FROM sent WHERE login = ? AND at > ? AND address <> ''"
                                " GROUP BY 1 ORDER BY 2 DESC LIMIT 10", (login, now - DAY))
        return ["{} ({} recipients)".format(*row) for row in rows]

    def must_tell(self, login: str, name: str, now: float) -> bool:
        """Tell whether the postmaster is to hear of that limit now: once a day for each login and limit."""
        found = self._db.execute("SELECT at FROM told WHERE login = ? AND name = ?", (login, name)).fetchone()
        if found and 0 <= now - found[0] < DAY:
            return False
        self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (login, name, now))
        return True

    def is_new_network(self, login: str, network: str, now: float) -> bool:
        """Remember that the login was used from a network. Returns whether it is new; none is on its first day."""
        self._db.execute("INSERT OR IGNORE INTO first_login VALUES (?, ?)", (login, now))
        self._db.execute("UPDATE first_login SET at = ? WHERE login = ? AND at > ?", (now, login, now))
        first = self._db.execute("SELECT at FROM first_login WHERE login = ?", (login,)).fetchone()[0]
        is_new = self._seen("login_network", login, network, now, self._is_first_day(now) or now - first < DAY).is_first
        if is_new:
            self._db.execute("DELETE FROM login_network WHERE login = ? AND network NOT IN (SELECT network FROM"
                             " login_network WHERE login = ? ORDER BY last DESC LIMIT ?)", (login, login, _NETWORKS))
        return is_new

    def keep_untold(self, login: Login) -> None:
        """Keep a login of which the owner is to be told."""
        count = self._db.execute("SELECT count(*) FROM untold WHERE login = ?", (login.login,)).fetchone()[0]
        if count < _UNTOLD:
            self._db.execute("INSERT INTO untold VALUES (?, ?, ?, ?)", login)

    def untold_logins(self) -> List[str]:
        """Return the mailboxes whose owners are to be told of something."""
        return [login for login, in self._db.execute("SELECT DISTINCT login FROM untold")]

    def take_untold(self, login: str, now: float) -> List[Login]:
        """Return the logins of which the owner is told now, and remember that."""
        rows = self._db.execute("SELECT * FROM untold WHERE login = ? ORDER BY at", (login,)).fetchall()
        self._db.execute("DELETE FROM untold WHERE login = ?", (login,))
        self._db.execute("INSERT INTO notice VALUES (?, ?)", (login, now))
        return [Login(*row) for row in rows]

    def notices(self, login: str, now: float) -> List[float]:
        """Return when the owner was told of logins in the last day. A time in the future counts as now."""
        self._db.execute("UPDATE notice SET at = ? WHERE login = ? AND at > ?", (now, login, now))
        self._db.execute("DELETE FROM notice WHERE login = ? AND at <= ?", (login, now - DAY))
        return [at for at, in self._db.execute("SELECT at FROM notice WHERE login = ?", (login,))]

    def _seen(self, table: str, login: str, network: str, now: float, is_learning: bool) -> Seen:
        """Remember a network in a table. `is_learning`: no network is known yet, and each is taken for one that is."""
        self._db.execute("DELETE FROM {} WHERE login = ? AND last < ?".format(table), (login, now - _REMEMBERED))
        found = self._db.execute("SELECT first FROM {} WHERE login = ? AND network = ?".format(table),
                                 (login, network)).fetchone()
        first = min(found[0], now) if found else now - DAY if is_learning else now
        self._db.execute("INSERT OR REPLACE INTO {} VALUES (?, ?, ?, ?)".format(table), (login, network, first, now))
        return Seen(found is None and not is_learning, first + DAY if now < first + DAY else None)

    def _is_first_day(self, now: float) -> bool:
        """Tell whether this is the first day of all. A clock that was ahead then must not make it last."""
        self._db.execute("UPDATE begun SET at = ? WHERE at > ?", (now, now))
        return bool(now - self._db.execute("SELECT min(at) FROM begun").fetchone()[0] < DAY)

    def _open(self, now: float) -> None:
        self._db = sqlite3.connect(self._host.path(self._path), timeout=2, isolation_level=None)
        # No fsync for each message: a power cut may lose the last ones, but damages nothing (sqlite.org/wal.html).
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        if self._db.execute("SELECT count(*) FROM begun").fetchone()[0] == 0:
            self._db.execute("INSERT INTO begun VALUES (?)", (now,))
        if self._db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
