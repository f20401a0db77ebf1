"""Make the users and groups of the machine that the mail needs, and undo it."""
import grp
import pwd
from typing import List

from smallmail.machine import state, state_files
from smallmail.machine.host import Failed, Host

# postrm deletes the users by these full names: a vmail that existed before smallmail has another one.
_GECOS = "smallmail's mailboxes"
_BANS_GECOS = "smallmail's bans"
_LIMITS_GECOS = "smallmail's limits on sending"


def ensure(host: Host, home: str) -> None:
    """Create vmail, which owns the mail in `home`, and the users of the services that ban and that limit what is sent.
    Put Rspamd into Postfix's group."""
    _ensure_user(host, "vmail", home, _GECOS)
    _ensure_user(host, state.BANS_USER, "/" + state.BANS, _BANS_GECOS)
    _ensure_user(host, state.LIMITS_USER, "/nonexistent", _LIMITS_GECOS)
    # Rspamd reads accounts.db (whose From may a login use) and gives its milter socket to Postfix.
    if "_rspamd" not in grp.getgrnam("postfix").gr_mem:
        state_files.write(host, state.JOINED_POSTFIX, "")
        host.run(["adduser", "--quiet", "_rspamd", "postfix"])


def hand_back(host: Host) -> List[str]:
    """Take Rspamd out of Postfix's group, if smallmail put it there. Returns a sentence if that failed."""
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


def _ensure_user(host: Host, name: str, home: str, full_name: str) -> None:
    if not _user_exists(name):
        host.run(["adduser", "--quiet", "--system", "--group", "--no-create-home", "--home", home,
                  "--shell", "/usr/sbin/nologin", "--gecos", full_name, name])


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
