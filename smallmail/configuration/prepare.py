"""Prepare what must exist before a daemon can read the configuration: users, folders, accounts, keys, a certificate.

A room that must prepare something has a function `prepare(host, settings)`, which yields notices for the admin, and a
place in PREPARE. Each may be repeated at any time: it creates what is missing.
"""
import contextlib
from typing import Dict, Iterator, List, NamedTuple

from smallmail.accounts import first_mailbox
from smallmail.bans import unit as bans_unit
from smallmail.dkim import signing
from smallmail.errors import Problem
from smallmail.folders import volume
from smallmail.limits import configured
from smallmail.machine import state, state_files, users
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings
from smallmail.tls import tlsa

_POSTFIX = "etc/postfix/smallmail"


def _volume(host: Host, settings: Settings) -> Iterator[str]:
    """Refuse to make an empty mount point into a mail directory, and to leave mail behind in the former one."""
    directory = settings.mail_directory
    sentence = volume.missing(host, directory) or volume.unmounted(host, directory) or volume.elsewhere(host, directory)
    if sentence:
        raise Problem(sentence)
    yield from ()


def _users(host: Host, settings: Settings) -> Iterator[str]:
    users.ensure(host, settings.mail_directory)
    yield from ()


def _folders(host: Host, settings: Settings) -> Iterator[str]:
    for folder in (state.MACHINE, state.REDIS, state.RSPAMD, state.SIEVE, state.LEARNING, state.SPOOL):
        state_files.make_folder(host, folder)
    # A umask of 077 closed it, up to 0.6.0.
    if host.exists(_POSTFIX):
        host.directory(_POSTFIX)
    for path in state.FORMER_LOCKS:
        host.remove(path)
    host.directory(settings.mail_directory[1:], 0o750, "vmail", "vmail")
    volume.mark(host, settings.mail_directory)
    # postrm is plain sh and may run when nothing else is left: this line is all that it needs to know. It enters no
    # folder by a link.
    state_files.write(host, state.MAIL_DIRECTORY, "/{}\n".format(host.real(settings.mail_directory[1:])))
    yield from ()


# In this order: what refuses comes first; folders belong to users, and mailboxes name the domains that get keys.
PREPARE = (
    _volume,
    _users,
    _folders,
    tlsa.prepare,
    first_mailbox.prepare,
    signing.prepare,
    bans_unit.prepare,
    configured.prepare,
)

Ensured = NamedTuple("Ensured", [
    ("notices", List[str]),         # a sentence for each thing that the admin should know
    ("links", Dict[str, str]),      # symbolic links that must point elsewhere, by path; apply changes them
])


def ensure(host: Host, settings: Settings) -> Ensured:
    """Create what is missing. Returns notices, and the links that apply is to change. Raises Problem."""
    state_files.make_folder(host, state.FOLDER)
    notices = [notice for prepare in PREPARE for notice in prepare(host, settings)]
    return Ensured(notices, tlsa.links(host, settings))


def forget_word_index(host: Host, settings: Settings) -> None:
    """Remove the full-text index that Dovecot 2.4 made for versions before 0.5.0: nothing reads it any more."""
    # vmail may delete nothing but mail, wherever its folders lead; a Xapian database has a file "iamglass".
    script = ("find \"$1\" -type f -path '*/fts-flatcurve/*/iamglass' -printf '%h\\0' | xargs -0r rm -rf --;"
              " find \"$1\" -type d -name fts-flatcurve -empty -delete")
    with contextlib.suppress(Failed):   # it takes up room, and that is all
        host.run(["runuser", "-u", "vmail", "--", "sh", "-c", script, "sh", settings.mail_directory])


def forget_compiled(host: Host) -> None:
    """Remove our compiled Sieve scripts: Dovecot compiles them anew, but would not notice if an upgrade brought a
    script with an older date."""
    for name in host.names(state.SIEVE):
        if name.endswith(".svbin"):
            # The folder is vmail's: what is not a file there (and keeps Dovecot from compiling) is not ours to remove.
            with contextlib.suppress(IsADirectoryError):
                host.remove(state.SIEVE + "/" + name)
