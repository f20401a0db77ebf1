"""Convert all mailboxes to the layout that Dovecot's configuration has.

The work is done as the user who owns the mail: root must not follow a path that this user can change.
"""
import contextlib
import os
import stat
from typing import Iterator, List

from smallmail.folders.moves import Mailbox
from smallmail.machine import as_user

_LOCKED, _OPEN = 0, 0o700


def to_layout(directory: str, layout: str, every_tilde: bool = True, owner: str = "vmail") -> List[str]:
    """Convert the mailboxes in the mail directory, as the user `owner`. Returns a sentence for each that failed. Raises
    Problem if the work was cut off: then Dovecot must not start."""
    return as_user.run(owner, lambda: _all(os.fsencode(directory), layout, every_tilde))


def homes(directory: bytes) -> Iterator[bytes]:
    """Yield the homes of all mailboxes, also of those that were removed: /srv/mail/DOMAIN/NAME."""
    for domain in _folders(directory):
        for home in _folders(domain):
            if os.path.isdir(os.path.join(home, b"mail")):
                yield home


def _all(directory: bytes, layout: str, every_tilde: bool) -> List[str]:
    sentences, is_changed = [], False
    for home in homes(directory):
        mailbox = Mailbox(home, every_tilde)
        try:
            _unlock(mailbox)
            if mailbox.is_to_convert(layout):
                is_changed = True
                mailbox.convert(layout)
        except OSError as error:
            sentences.append(_locked(mailbox, error))
    if is_changed:
        os.sync()   # before Dovecot answers for a message that would be lost with a directory's new name
    return sentences


def _folders(folder: bytes) -> List[bytes]:
    with contextlib.suppress(OSError):
        return [path for path in (os.path.join(folder, name) for name in sorted(os.listdir(folder)))
                if os.path.isdir(path)]
    return []


def _unlock(mailbox: Mailbox) -> None:
    if stat.S_IMODE(os.stat(mailbox.mail).st_mode) == _LOCKED:
        os.chmod(mailbox.mail, _OPEN)


def _locked(mailbox: Mailbox, error: OSError) -> str:
    """Keep Dovecot out of a mailbox that is half converted: it would begin an empty INBOX. Returns the sentence."""
    sentence = "the folders of {} could not be converted ({}: {})".format(
        os.fsdecode(mailbox.home), os.fsdecode(error.filename or mailbox.mail), error.strerror)
    if mailbox.is_unfinished():
        with contextlib.suppress(OSError):
            os.chmod(mailbox.mail, _LOCKED)
        sentence += "; nobody can open this mailbox now, and mail for it waits"
    return sentence + "; put that right, then type 'systemctl restart dovecot'"
