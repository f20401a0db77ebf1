"""Know what a backup has and what it leaves out: from the table of the state, and the admin's own files."""
from collections import OrderedDict
from typing import Dict, List

from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

# The admin's, and Let's Encrypt's account and certificates.
_FOLDERS = ("etc/smallmail", "etc/letsencrypt")
_ADMINS = ("etc/dovecot/local.conf", "etc/rspamd/override.d")

# Databases that change while they are read: copies.py makes copies below state.SAVING.
COPIED = (state.ACCOUNTS, state.PASSWORDS, state.LIMITS_MEMORY)
_BESIDE = ("", "-journal", "-wal", "-shm")      # SQLite's own names

# In a mailbox (smallmail/folders): Dovecot makes them again.
_INDEXES = ("%maildir/dovecot.index", "%maildir/dovecot.index.*",
            "mail/dovecot.list.index", "mail/dovecot.list.index.*")


def paths(host: Host, settings: Settings) -> List[str]:
    """Return all that is saved and exists, each with the root before it."""
    beside = [path for path in list(state.FOLDERS) + list(state.FILES)
              if not path.startswith(state.FOLDER + "/") and path != state.FOLDER and path not in state.LEFT_OUT]
    found = [path for path in _FOLDERS + _ADMINS + (state.FOLDER,) + tuple(beside) if host.exists(path)]
    return [host.path(path) for path in found] + [mail(host, settings)]


def mail(host: Host, settings: Settings) -> str:
    """Return the mail directory, without links."""
    return host.path(host.real(settings.mail_directory[1:]))


def left_out(host: Host, settings: Settings) -> List[str]:
    """Return the patterns of what is not saved, as restic reads them."""
    state_files = [host.path(path) for path in state.LEFT_OUT if path.startswith(state.FOLDER + "/")]
    copied = [host.path(path) + ending for path in COPIED for ending in _BESIDE]
    return state_files + copied + ["{}/**/{}".format(mail(host, settings), name) for name in _INDEXES]


def explained(host: Host, settings: Settings) -> Dict[str, str]:
    """Return what is saved, by path, each with what it is."""
    words = {"etc/smallmail": "settings, the admin's Postfix lines", "etc/letsencrypt": "account at Let's Encrypt",
             "etc/dovecot/local.conf": "the admin's Dovecot lines", "etc/rspamd/override.d": "the admin's Rspamd files",
             state.FOLDER: "accounts, DKIM and TLS keys, what Rspamd has learned, bans, limits, history"}
    by_path = OrderedDict((path, "state") for path in paths(host, settings))
    by_path.update((host.path(path), what) for path, what in words.items() if host.path(path) in by_path)
    by_path[mail(host, settings)] = "mail, Sieve scripts"
    return by_path
