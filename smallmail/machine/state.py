"""Name every file and folder in which smallmail keeps its state, with the permissions of each: one table.

Nothing outside of this module spells such a path; other modules say `state.RECORD`. state_files.py reads and writes
the files with the permissions listed here. What is in a folder of the table (a copy of a certificate, one
configuration of the history) belongs to it. /etc/smallmail is not here: those are the admin's files.

This module is also part of the package's debconf `config` script, where only Python's standard library is at hand.
debian/smallmail-server.postrm deletes FOLDER and SPOOL at a purge, but DKIM_FOLDER's keys only if the admin says so; it
reads three of these files, and a test compares the names.
"""
import os
from collections import OrderedDict
from typing import Dict, NamedTuple  # noqa: F401 (Dict: in a type comment)

Permissions = NamedTuple("Permissions", [("mode", int), ("owner", str), ("group", str)])

FILES = OrderedDict()       # type: Dict[str, Permissions]
FOLDERS = OrderedDict()     # type: Dict[str, Permissions]


def _file(path: str, mode: int = 0o600, owner: str = "root", group: str = "root") -> str:
    FILES[path] = Permissions(mode, owner, group)
    return path


def _folder(path: str, mode: int = 0o700, owner: str = "root", group: str = "root") -> str:
    FOLDERS[path] = Permissions(mode, owner, group)
    return path


FOLDER = _folder("var/lib/smallmail", 0o755)

# What smallmail changed on this host, see configuration/record.py: RECORD while it is in charge, LEFT (of the same
# form) after a removal. JOURNAL exists only during a swap of files, STAGE only while the daemons judge new ones.
RECORD = _file(FOLDER + "/record.json")
LEFT = _file(FOLDER + "/left.json")
JOURNAL = _file(FOLDER + "/journal.json")
HISTORY = _folder(FOLDER + "/history", 0o755)   # its files are 0600
STAGE = _folder(FOLDER + "/stage", 0o711)     # Rspamd's user judges its own files there

# The record once more, where no backup of FOLDER comes: if it differs from RECORD, that one is another machine's, or
# old (configuration/arrival.py). ARRIVED exists until what came from there has its owners.
MACHINE = _folder("var/lib/smallmail-machine")
OWN_RECORD = _file(MACHINE + "/record.json")
ARRIVED = _file(MACHINE + "/arrived")

# For postrm, which is plain sh: our own files under /etc, our DKIM keys, where mail is; one path a line.
UCF_FILES = _file(FOLDER + "/ucf-files", 0o644)
DKIM_KEYS = _file(FOLDER + "/dkim-keys", 0o644)
MAIL_DIRECTORY = _file(FOLDER + "/mail-directory", 0o644)

# What the mail directory was (folders/volume.py).
MAIL_VOLUME = _file(FOLDER + "/mail-volume.json", 0o644)

# Accounts. Dovecot's auth worker alone reads the hashes: its other processes have its group, but not its user.
ACCOUNTS = _file(FOLDER + "/accounts.db", 0o640, "root", "postfix")
PASSWORDS = _file(FOLDER + "/passwords.db", 0o400, "dovecot", "root")
FIRST_MAILBOX = _file(FOLDER + "/first-mailbox")
FIRST_PASSWORD = _file(FOLDER + "/first-password")
FIRST_HASH = _file(FOLDER + "/first-password-hash")

# The certificate: CURRENT is a symbolic link to one of the folders beside it.
TLS = _folder(FOLDER + "/tls")
CURRENT = TLS + "/current"
OBTAIN = _file(TLS + "/obtain.json")
TLSA = _file(TLS + "/tlsa.json")

# DKIM: the list of keys is beside the keys, so that it stays and goes with them. Rspamd includes DKIM_CONF.
DKIM_FOLDER = _folder(FOLDER + "/dkim", 0o750, "root", "_rspamd")
DKIM_LIST = _file(DKIM_FOLDER + "/keys.json", 0o640, "root", "_rspamd")
DKIM_CONF = _file(FOLDER + "/dkim.conf", 0o644)
DKIM_SIGNING = _file(FOLDER + "/dkim-signing.json", 0o644)

# Where the keys were up to 0.3.0, below a folder that _rspamd owns; and what was copied from there and is still to be
# deleted, one name a line (dkim/former.py).
DKIM_FORMER_FOLDER = "var/lib/rspamd/dkim"
DKIM_FORMER = _file(FOLDER + "/dkim-former", 0o644)

# What was published in DNS, what the last daily check found, which mailboxes could not be converted, and two facts that
# are files without content: the resolver validates DNSSEC; smallmail put Rspamd into Postfix's group.
PUBLISHED = _file(FOLDER + "/published.json")
CHECK = _file(FOLDER + "/check.json")
UNCONVERTED = _file(FOLDER + "/unconverted.json")
VALIDATES = _file(FOLDER + "/validates", 0o644)
JOINED_POSTFIX = _file(FOLDER + "/joined-postfix", 0o644)

# Debian's own servers of Redis and Valkey that smallmail disabled (stock_store.py).
RETIRED_STORES = _file(FOLDER + "/retired-stores.json", 0o644)

# Digests of our files for the units of the daemons, as these were when the daemons started (configuration/effects.py).
UNITS = _file(FOLDER + "/units.json")

# Where daemons keep what they need from us: Redis its data, Rspamd its sockets, Dovecot compiled Sieve scripts, and the
# messages that Rspamd is to learn from.
REDIS = _folder(FOLDER + "/redis", 0o700, "_rspamd", "_rspamd")
RSPAMD = _folder(FOLDER + "/rspamd", 0o750, "_rspamd", "vmail")
CONTROLLER = RSPAMD + "/controller.sock"
SIEVE = _folder(FOLDER + "/sieve", 0o700, "vmail", "vmail")
LEARNING = _folder(FOLDER + "/learning", 0o700, "vmail", "vmail")
SPOOL = _folder("var/spool/postfix/smallmail", 0o750, "_rspamd", "postfix")

# Bans (the room bans): the daemon's own folder with its list and the good logins that it remembers; what root tells it:
# the key by which it knows Dovecot, the networks that are never banned, the admin's orders. Dovecot includes BANS_CONF,
# which has the same key. BANS_TOLD: what the last daily letter told.
BANS_USER = "mailbans"
BANS = _folder(FOLDER + "/bans", 0o700, BANS_USER, BANS_USER)
BANS_LIST = BANS + "/list.json"
BANS_LOGINS = BANS + "/logins.json"
BANS_KNOWN = BANS + "/known.json"   # clients with a good login, for nftables
BANS_KEY = _file(FOLDER + "/bans-key", 0o640, "root", BANS_USER)
BANS_CONF = _file(FOLDER + "/bans-dovecot.conf")
BANS_NEVER = _file(FOLDER + "/bans-never", 0o644)
BANS_ORDERS = _file(FOLDER + "/bans-orders.json", 0o644)
BANS_TOLD = _file(FOLDER + "/bans-told.json")

# Limits on what is sent (smallmail/limits): what the service reads of the settings, what it remembers, the letters that
# it wants to be sent, its socket, which Postfix reaches from its chroot, and the one on which the daemon of bans tells
# it of logins: who cannot enter LOGINS cannot.
LIMITS_USER = "smallmail-limits"
LIMITS_CONFIGURED = _file(FOLDER + "/limits.json", 0o640, "root", LIMITS_USER)
LIMITS = _folder(FOLDER + "/limits", 0o700, LIMITS_USER, LIMITS_USER)
LIMITS_MEMORY = LIMITS + "/sent.db"
ALARMS = _folder(FOLDER + "/alarms", 0o700, LIMITS_USER, LIMITS_USER)
LIMITS_SPOOL = _folder("var/spool/postfix/smallmail-limits", 0o750, LIMITS_USER, "postfix")
LOGINS = _folder(FOLDER + "/logins", 0o710, LIMITS_USER, BANS_USER)
LOGINS_SOCKET = LOGINS + "/reports.sock"
LIMITS_SOCKET = LIMITS_SPOOL + "/policy.sock"

# Backups (the room backup): how the last one went, and copies of the databases for the next one.
BACKUP = _file(FOLDER + "/backup.json")
SAVING = _folder(FOLDER + "/saving")

# Files without content that a process holds a lock on (flock(2)), see Host.lock(). A user who can open such a file, if
# only to read it, can hold the lock: so root alone can reach them. LOCK is for all that changes the daemons'
# configuration.
LOCKS = _folder(FOLDER + "/locks")
LOCK = _file(LOCKS + "/lock")
STARTING_LOCK = _file(LOCKS + "/starting-lock")
CERTIFICATE_LOCK = _file(LOCKS + "/certificate-lock")
TLSA_LOCK = _file(LOCKS + "/tlsa-lock")
DKIM_LOCK = _file(LOCKS + "/dkim-lock")
ROTATION_LOCK = _file(LOCKS + "/rotation-lock")
PUBLISH_LOCK = _file(LOCKS + "/publish-lock")
BACKUP_LOCK = _file(LOCKS + "/backup-lock")

# Where everybody could read them, up to 0.5.0.
FORMER_LOCKS = [path.replace(LOCKS, FOLDER) for path in FILES if path.startswith(LOCKS)]

# What is true of one machine only, or is made anew: no backup has it. All else of the two tables is saved.
LEFT_OUT = (RECORD, LEFT, JOURNAL, STAGE, MACHINE, OWN_RECORD, ARRIVED, UCF_FILES, VALIDATES, JOINED_POSTFIX,
            RETIRED_STORES, UNITS, BACKUP, RSPAMD, SIEVE, SPOOL, LIMITS_SPOOL, LOGINS, LOCKS) + tuple(
                path for path in FILES if path.startswith(LOCKS))


def permissions(path: str) -> Permissions:
    """Return the permissions of a path of the tables, or, of one in a folder of them, those of that folder."""
    folder = path
    while folder and path not in FILES and folder not in FOLDERS:
        folder = os.path.dirname(folder)
    return FILES[path] if path in FILES else FOLDERS[folder]


def in_charge(root: str = "/") -> bool:
    """Tell whether smallmail manages this host's mail: the record exists from the first apply to the hand-back."""
    return os.path.exists(os.path.join(root, RECORD))
