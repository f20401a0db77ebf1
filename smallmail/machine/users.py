"""Make the users and groups of the machine that the mail needs, and undo it."""
import grp
import pwd
from typing import List

from smallmail.errors import Problem
from smallmail.machine import as_user, state, state_files
from smallmail.machine.host import Failed, Host

# postrm deletes the users by these full names: a vmail that existed before smallmail has another one.
_GECOS = "smallmail's mailboxes"
_BANS_GECOS = "smallmail's bans"
_LIMITS_GECOS = "smallmail's limits on sending"


def ensure(host: Host, home: str) -> None:
    """Create vmail, which owns the mail in `home`, and the users of the services that ban and that limit what is sent.
    Put Rspamd into Postfix's group."""
    _ensure_user(host, "vmail", home, _GECOS)
    _must_be_fit("vmail")
    _ensure_user(host, state.BANS_USER, "/" + state.BANS, _BANS_GECOS)
    _ensure_user(host, state.LIMITS_USER, "/nonexistent", _LIMITS_GECOS)
    # Rspamd reads accounts.db (whose From may a login use) and gives its milter socket to Postfix.
    if "_rspamd" not in as_user.group("postfix").gr_mem:
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


def _must_be_fit(name: str) -> None:
    """Refuse a user that existed before smallmail and cannot own mail. Raises Problem."""
    its = as_user.entry(name)
    try:
        group = grp.getgrnam(name).gr_gid
    except KeyError:
        raise Problem("the user {0} exists, and a group {0} does not: type 'addgroup --system {0} && usermod -g {0}"
                      " {0}'".format(name))
    if 0 in (its.pw_uid, group):
        raise Problem("the user {0} has root's number, and its mail would be root's: give it another one (usermod -u,"
                      " groupmod -g)".format(name))


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
