"""Check what is in the mailboxes: Sieve scripts that do not run any more, and more folders than are good."""
import time
from typing import Iterator

from smallmail.accounts import database
from smallmail.findings import Finding, Group
from smallmail.folders import looking
from smallmail.machine import services
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

_GROUP = Group("mail")
# Of a mailbox; Dovecot 2.4 has this limit itself (95-smallmail-quota-limits.conf).
_FOLDERS = 1000
# Seconds for all mailboxes: a slow disk must not keep the other checks waiting.
_PATIENCE = 30.0


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Look at each mailbox. Yields what was found."""
    if not services.managed():
        return
    with database.open_accounts(host) as accounts:
        addresses = [mailbox.address for mailbox in accounts.mailboxes()]
    in_force = host.run(["doveconf", "-n"], seconds=30)
    deadline = time.monotonic() + _PATIENCE
    for number, address in enumerate(addresses):
        if time.monotonic() > deadline:
            yield unseen(len(addresses) - number)
            return
        yield from mailbox(host, settings.mail_directory, address, in_force)


def mailbox(host: Host, directory: str, address: str, in_force: str) -> Iterator[Finding]:
    """Look at one mailbox. `in_force`: what `doveconf -n` prints. Yields what was found."""
    local_part, _, domain = address.rpartition("@")
    home = "/".join((directory.strip("/"), domain, local_part))
    # As 95-smallmail-sieve.conf has it, before 2.4 and since; an admin may have switched it on again.
    is_off = "-enotify" in in_force or "enotify = no" in in_force
    if is_off and b"enotify" in looking.required(host, home):
        yield enotify(address)
    if "quota_mailbox_count" not in in_force and looking.folders(host, home, _FOLDERS) > _FOLDERS:
        yield crowded(address)


def enotify(address: str) -> Finding:
    """Return the problem that a mailbox's script requires what is off."""
    return _GROUP.problem(
        "the Sieve script of {} does not run".format(address), "It requires the extension 'enotify', which is off since"
        " smallmail 0.6.0, because a script could write to anybody with it, as anybody. All mail of this mailbox is"
        " delivered to its inbox.",
        advice="Ask the owner to take 'enotify' and each 'notify' out of the script. To send a copy of a message"
               " elsewhere, 'redirect :copy' does (the extension 'copy').")


def crowded(address: str) -> Finding:
    """Return the note that a mailbox has very many folders, where Dovecot has no limit for them."""
    return _GROUP.note("the mailbox {} has more than {:,} folders, and Dovecot before 2.4 cannot limit them"
                       .format(address, _FOLDERS))


def unseen(count: int) -> Finding:
    """Return that there was no time for so many mailboxes."""
    return _GROUP.unknown("the Sieve scripts and folders of {} mailboxes".format(count),
                          "it takes longer than {:.0f} seconds".format(_PATIENCE), [])
