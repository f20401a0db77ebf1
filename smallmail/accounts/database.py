"""The accounts: domains, mailboxes and aliases in SQLite, as Postfix and Dovecot read them.

There are two databases, because Postfix does not need password hashes: accounts.db (root:postfix) and passwords.db
(for the user dovecot alone). Both keep a rollback journal: a reader of a WAL database would need to write beside it.
One transaction covers both (https://www.sqlite.org/lang_attach.html: with a rollback journal it is atomic).
"""
import contextlib
import os
import sqlite3
from collections import OrderedDict
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from smallmail.errors import Problem, WrongUsage
from smallmail.machine import state, state_files
from smallmail.machine.host import Host

_SCHEMA = """
CREATE TABLE IF NOT EXISTS domain  (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS mailbox (address TEXT PRIMARY KEY, domain TEXT NOT NULL REFERENCES domain(name),
                                    quota INTEGER);
CREATE TABLE IF NOT EXISTS alias   (address TEXT NOT NULL, destination TEXT NOT NULL,
                                    PRIMARY KEY (address, destination));
CREATE INDEX IF NOT EXISTS alias_destination ON alias (destination);
CREATE TABLE IF NOT EXISTS sending_limit (address TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
                                          PRIMARY KEY (address, name));
CREATE TABLE IF NOT EXISTS disabled (address TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS passwords.credential (address TEXT PRIMARY KEY, hash TEXT NOT NULL,
                                                 enabled INTEGER NOT NULL DEFAULT 1);
"""

# Mail for these goes to the person who runs the host: RFC 2142, and root for the host's own mail.
ROLES = ("postmaster", "abuse", "hostmaster", "root")
Mailbox = NamedTuple("Mailbox", [("address", str), ("quota", Optional[int]), ("enabled", bool)])
Alias = NamedTuple("Alias", [("address", str), ("destination", str)])


@contextlib.contextmanager
def open_accounts(host: Host) -> Iterator["Accounts"]:
    """Open the account databases of a host, and create them where they are missing. Raises Problem."""
    for path in (state.ACCOUNTS, state.PASSWORDS):
        if not host.exists(path):
            state_files.write(host, path, "")
    try:
        accounts = Accounts(host.path(state.ACCOUNTS), host.path(state.PASSWORDS))
        try:
            yield accounts
        finally:
            accounts.close()
    except sqlite3.Error as error:
        raise Problem("/{} and /{} cannot be used: {}{}".format(state.ACCOUNTS, state.PASSWORDS, error,
                                                                _holders(host, [state.ACCOUNTS, state.PASSWORDS])))


def _holders(host: Host, paths: List[str]) -> str:
    """Name the other processes that have a lock on these files (proc(5): locks), in words to follow a sentence. Those
    who may read a database can keep others from writing it."""
    inodes = {os.stat(host.path(path)).st_ino for path in paths if host.exists(path)}
    locks = (line.split() for line in host.text("proc/locks").splitlines() if "->" not in line)
    found = sorted({int(fields[4]) for fields in locks if int(fields[5].rpartition(":")[2]) in inodes}
                   - {os.getpid(), -1})
    return " by process {}: 'ps -fp {}' shows what it is".format(found[0], found[0]) if found else ""


class Accounts:
    """The open databases. Every method does all that it says, or raises and changes nothing.

    A name that is not in the databases raises WrongUsage.
    """

    def __init__(self, accounts: str, passwords: str) -> None:
        """Open both files (which must exist, but may be empty) and create the tables that are missing."""
        # Readers hold their locks for milliseconds; ten seconds wait out anything but a stuck disk.
        self._db = sqlite3.connect(accounts, timeout=10, isolation_level=None)
        self._db.execute("ATTACH DATABASE ? AS passwords", (passwords,))
        # The user dovecot can write the second file, and what its schema says must not run functions of ours (SQLite
        # before 3.31 does not know this).
        self._db.execute("PRAGMA trusted_schema = OFF")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close both databases."""
        self._db.close()

    def domains(self) -> List[str]:
        """Return all mail domains."""
        return [row[0] for row in self._db.execute("SELECT name FROM domain ORDER BY name")]

    def mailboxes(self) -> List[Mailbox]:
        """Return all mailboxes."""
        rows = self._db.execute("SELECT address, quota, enabled FROM mailbox JOIN credential USING (address)"
                                " ORDER BY address")
        return [Mailbox(address, quota, bool(enabled)) for address, quota, enabled in rows]

    def aliases(self) -> List[Alias]:
        """Return all aliases, one for each destination."""
        return [Alias(*row) for row in self._db.execute("SELECT address, destination FROM alias ORDER BY 1, 2")]

    def add_domain(self, name: str, postmaster: str) -> None:
        """Add a domain whose role addresses (RFC 2142) go to `postmaster`. Raises Problem."""
        with self._change():
            if self._has("domain", "name", name):
                raise Problem("the domain {} already exists".format(name))
            self._db.execute("INSERT INTO domain (name) VALUES (?)", (name,))
            for role in ROLES:
                address = "{}@{}".format(role, name)
                if address != postmaster and not self.has_mailbox(address):
                    self._db.execute("INSERT OR IGNORE INTO alias VALUES (?, ?)", (address, postmaster))

    def remove_domain(self, name: str) -> None:
        """Remove a domain and its aliases. Raises Problem while it has mailboxes."""
        with self._change():
            self._must_have_domain(name)
            count = self._db.execute("SELECT count(*) FROM mailbox WHERE domain = ?", (name,)).fetchone()[0]
            if count:
                raise Problem("{} still has {} mailbox{}: remove {} first with 'smallmail user remove'".format(
                    name, count, "" if count == 1 else "es", "it" if count == 1 else "them"))
            self._db.execute("DELETE FROM alias WHERE address LIKE ? ESCAPE '!'", ("%@" + _like(name),))
            self._db.execute("DELETE FROM domain WHERE name = ?", (name,))

    def add_mailbox(self, address: str, password_hash: str) -> List[str]:
        """Create a mailbox in place of an alias of that address. Returns the alias's destinations. Raises Problem."""
        with self._change():
            self.must_take_mailbox(address)
            replaced = self._destinations(address)
            self._db.execute("DELETE FROM alias WHERE address = ?", (address,))
            self._db.execute("INSERT INTO mailbox (address, domain) VALUES (?, ?)",
                             (address, address.rpartition("@")[2]))
            self._db.execute("INSERT INTO credential (address, hash) VALUES (?, ?)", (address, password_hash))
        return replaced

    def remove_mailbox(self, address: str, postmaster: str) -> bool:
        """Remove a mailbox and its password, not its mail. Raises Problem while aliases deliver to it.

        Returns whether it was that of a role: mail for it now goes to `postmaster`.
        """
        with self._change():
            self.must_have_mailbox(address)
            users = [row[0] for row in self._db.execute("SELECT address FROM alias WHERE destination = ?", (address,))]
            if users:
                raise Problem("{} still receives the mail of {}: point {} elsewhere first with 'smallmail alias'"
                              .format(address, ", ".join(users), "that alias" if len(users) == 1 else "those aliases"))
            for table in ("credential", "sending_limit", "disabled", "mailbox"):
                self._db.execute("DELETE FROM {} WHERE address = ?".format(table), (address,))
            is_role = address.partition("@")[0] in ROLES
            if is_role:
                self._db.execute("INSERT INTO alias VALUES (?, ?)", (address, postmaster))
        return is_role

    def set_password(self, address: str, password_hash: str) -> None:
        """Change the mailbox's password. Raises Problem."""
        with self._change():
            self.must_have_mailbox(address)
            self._db.execute("UPDATE credential SET hash = ? WHERE address = ?", (password_hash, address))

    def enable(self, address: str, is_enabled: bool) -> None:
        """Let the mailbox's owner log in, or not. Raises Problem if that is so already."""
        with self._change():
            self.must_have_mailbox(address)
            # Dovecot reads the first, Postfix the second, for it must not read passwords.db.
            changed = self._db.execute("UPDATE credential SET enabled = ? WHERE address = ? AND enabled <> ?",
                                       (is_enabled, address, is_enabled)).rowcount
            self._db.execute("DELETE FROM disabled WHERE address = ?" if is_enabled else
                             "INSERT OR IGNORE INTO disabled VALUES (?)", (address,))
            if not changed:
                raise Problem("{} is {} already".format(address, "enabled" if is_enabled else "disabled"))

    def limits(self, address: str) -> Dict[str, int]:
        """Return the mailbox's own limits on sending, by their names. Raises WrongUsage."""
        self.must_have_mailbox(address)
        return OrderedDict(self._db.execute("SELECT name, value FROM sending_limit WHERE address = ? ORDER BY name",
                                            (address,)))

    def set_limit(self, address: str, name: str, value: Optional[int]) -> None:
        """Give the mailbox a limit of its own; None: the usual one. Raises WrongUsage."""
        with self._change():
            self.must_have_mailbox(address)
            self._db.execute("DELETE FROM sending_limit WHERE address = ? AND name = ?", (address, name))
            if value is not None:
                self._db.execute("INSERT INTO sending_limit VALUES (?, ?, ?)", (address, name, value))

    def add_alias(self, address: str, destination: str) -> None:
        """Deliver mail for `address` ("@domain": what does not exist there) to `destination`. Raises Problem."""
        with self._change():
            self._must_have_domain(address.rpartition("@")[2])
            if self.has_mailbox(address):
                raise Problem("{} is a mailbox: an alias with this name would divert all of its mail".format(address))
            self._must_deliver(address, destination)
            try:
                self._db.execute("INSERT INTO alias VALUES (?, ?)", (address, destination))
            except sqlite3.IntegrityError:
                raise Problem("the alias {} -> {} already exists".format(address, destination))

    def remove_alias(self, address: str, destination: str = "") -> None:
        """Remove an alias, or one of its destinations. Raises Problem."""
        with self._change():
            removed = self._db.execute("DELETE FROM alias WHERE address = ? AND (destination = ? OR ? = '')",
                                       (address, destination, destination)).rowcount
            if not removed:
                raise WrongUsage("there is no alias {}{}: 'smallmail alias list' lists them".format(
                    address, " -> " + destination if destination else ""))

    def move_roles(self, old: str, new: str) -> None:
        """Point the role addresses that deliver to the mailbox `old` to `new`."""
        with self._change():
            for domain in self.domains():
                for role in ROLES:
                    address = "{}@{}".format(role, domain)
                    if address == new:
                        continue
                    self._db.execute("UPDATE OR IGNORE alias SET destination = ? WHERE address = ? AND destination = ?",
                                     (new, address, old))

    def has_mailbox(self, address: str) -> bool:
        """Return whether there is a mailbox of that address."""
        return self._has("mailbox", "address", address)

    def must_take_mailbox(self, address: str) -> None:
        """Check that a mailbox of that address can be created. Raises Problem."""
        self._must_have_domain(address.rpartition("@")[2])
        if self.has_mailbox(address):
            raise Problem("the mailbox {} already exists: 'smallmail user passwd {}' changes its password"
                          .format(address, address))

    def must_have_mailbox(self, address: str) -> None:
        """Check that there is a mailbox of that address. Raises WrongUsage."""
        if not self.has_mailbox(address):
            raise WrongUsage("there is no mailbox {}: 'smallmail user list' lists them".format(address))

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            raise Problem("another program is changing the accounts: try again")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _has(self, table: str, column: str, value: str) -> bool:
        query = "SELECT 1 FROM {} WHERE {} = ?".format(table, column)
        return self._db.execute(query, (value,)).fetchone() is not None

    def _destinations(self, address: str) -> List[str]:
        return [row[0] for row in self._db.execute("SELECT destination FROM alias WHERE address = ?", (address,))]

    def _must_have_domain(self, name: str) -> None:
        if not self._has("domain", "name", name):
            raise WrongUsage("{} is not a mail domain of this host: 'smallmail domain list' lists them, 'smallmail"
                             " domain add {}' adds it".format(name, name))

    def _must_deliver(self, address: str, destination: str) -> None:
        """Refuse a destination in our own domains that does not exist, and a loop."""
        domain = destination.rpartition("@")[2]
        if not self._has("domain", "name", domain):
            return
        # "+detail" is delivered like the address without it (recipient_delimiter, postconf(5)).
        bare = destination.rpartition("@")[0].partition("+")[0] + "@" + domain
        known = any(self.has_mailbox(name) or self._has("alias", "address", name)
                    for name in (destination, bare, "@" + domain))
        if not known:
            raise WrongUsage("there is no mailbox for {}: create it first with 'smallmail user add'".format(
                destination))
        if (address,) in self._reached(destination):
            raise WrongUsage("mail for {} comes back to {}: that would be a loop".format(destination, address))

    def _reached(self, address: str) -> List[Tuple[str]]:
        """Return all addresses that mail for this one passes on its way, itself included."""
        return self._db.execute(
            "WITH RECURSIVE way(address) AS (VALUES (?) UNION SELECT destination FROM alias JOIN way USING (address))"
            " SELECT address FROM way", (address,)).fetchall()


def _like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
