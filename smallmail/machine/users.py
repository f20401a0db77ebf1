"""What was carried out of larger files: see the names below."""
import grp
import pwd
from typing import List

from smallmail.machine import state, state_files
from smallmail.machine.host import Failed, Host

# By this full name postrm knows the user that was not here before us.
_GECOS = "smallmail's mailboxes"


def ensure(host: Host, home: str) -> None:
    """Create the user that owns the mail in `home`, and put Rspamd into Postfix's group."""
    if not _user_exists("vmail"):
        host.run(["adduser", "--quiet", "--system", "--group", "--no-create-home", "--home", home,
                  "--shell", "/usr/sbin/nologin", "--gecos", _GECOS, "vmail"])
    # Rspamd reads accounts.db (whose From may a login use) and gives its milter socket to Postfix.
    if "_rspamd" not in grp.getgrnam("postfix").gr_mem:
        state_files.write(host, state.JOINED_POSTFIX, "")
        host.run(["adduser", "--quiet", "_rspamd", "postfix"])


def leave_group(host: Host) -> List[str]:
    """Rspamd leaves Postfix's group, where we had put it there; a sentence if that goes wrong."""
    if not host.exists(state.JOINED_POSTFIX):
        return []
    try:
        members = grp.getgrnam("postfix").gr_mem
    except KeyError:
        return []   # Postfix was purged before us, and its group with it
    try:
        if "_rspamd" in members:
            host.run(["deluser", "--quiet", "_rspamd", "postfix"])
    except Failed as error:
        return [str(error)]
    host.remove(state.JOINED_POSTFIX)
    return []


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
