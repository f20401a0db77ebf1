"""What must exist beside the configuration before a daemon can read it: users, folders, accounts, keys, a certificate.

Everything here only adds what is missing; nothing that exists is replaced, so that it may be done again at any time.
"""
import grp
import os
import pwd
from typing import Dict, Iterator, List, NamedTuple

from smallmail import accounts, certificate, dkim, passwords, signing, tlsa
from smallmail.accounts import Accounts
from smallmail.host import STATE, Failed, Host
from smallmail.settings import Settings
from smallmail.tree import File

FIRST_PASSWORD = STATE + "/first-password"
_FIRST_MAILBOX = STATE + "/first-mailbox"
_FIRST_HASH = STATE + "/first-password-hash"
_WAITS = ("The new certificate has another key than the TLSA records in DNS: the old one is served until they have"
          " both; 'smallmail certificate status' tells what is missing.")
# By this full name postrm knows the user that was not here before us.
_GECOS = "smallmail's mailboxes"
# That Rspamd was not in Postfix's group before us.
_JOINED = STATE + "/joined-postfix"


Ensured = NamedTuple("Ensured", [
    ("notices", List[str]),         # a sentence for each thing that the admin should know of
    ("links", Dict[str, str]),      # symbolic links that are to say something else, by path; apply changes them
])


def ensure(host: Host, settings: Settings) -> Ensured:
    """Make what is missing."""
    host.directory(STATE)
    _users(host, settings)
    _folders(host, settings)
    newest = certificate.ensure(host, settings)
    target = tlsa.allowed(host, settings, newest)
    links = {certificate.CURRENT: target} if host.link(certificate.CURRENT) != target else {}
    notices = [_WAITS] if target != newest else []
    with open_accounts(host) as database:
        return Ensured(notices + list(_first_accounts(host, database, settings)), links)


def forget_compiled(host: Host) -> None:
    """Let Dovecot compile our Sieve scripts anew: it does not see that a package brought an older file."""
    folder = STATE + "/sieve"
    for name in os.listdir(host.path(folder)) if host.exists(folder) else []:
        if name.endswith(".svbin"):
            host.remove(folder + "/" + name)


def keep_password(host: Host, password_hash: str) -> None:
    """Keep the answered password of the first mailbox, hashed, until ensure() gives it to that mailbox."""
    host.directory(STATE)
    host.write(_FIRST_HASH, File((password_hash + "\n").encode("ascii"), 0o600, "root", "root"))


class open_accounts:
    """The account databases of a host, as a context."""

    def __init__(self, host: Host) -> None:
        # Dovecot's auth worker alone reads the hashes; other processes of Dovecot have the group, but not the user.
        for path, empty in ((accounts.ACCOUNTS, File(b"", 0o640, "root", "postfix")),
                            (accounts.PASSWORDS, File(b"", 0o400, "dovecot", "root"))):
            if not host.exists(path):
                host.write(path, empty)
        self._database = Accounts(host.path(accounts.ACCOUNTS), host.path(accounts.PASSWORDS))

    def __enter__(self) -> Accounts:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _users(host: Host, settings: Settings) -> None:
    if not _user_exists("vmail"):
        host.run(["adduser", "--quiet", "--system", "--group", "--no-create-home", "--home", settings.mail_directory,
                  "--shell", "/usr/sbin/nologin", "--gecos", _GECOS, "vmail"])
    # Rspamd reads accounts.db (whose From may a login use) and gives its milter socket to Postfix.
    if "_rspamd" not in grp.getgrnam("postfix").gr_mem:
        host.write(_JOINED, File(b"", 0o644, "root", "root"))
        host.run(["adduser", "--quiet", "_rspamd", "postfix"])


def leave_group(host: Host) -> List[str]:
    """Rspamd leaves Postfix's group, where we had put it there; a sentence if that goes wrong."""
    if not host.exists(_JOINED):
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
    host.remove(_JOINED)
    return []


def _folders(host: Host, settings: Settings) -> None:
    host.directory(STATE + "/redis", 0o700, "_rspamd", "_rspamd")
    host.directory(STATE + "/rspamd", 0o750, "_rspamd", "vmail")
    # Dovecot keeps the compiled form of /usr/share/smallmail/sieve here.
    host.directory(STATE + "/sieve", 0o700, "vmail", "vmail")
    host.directory("var/spool/postfix/smallmail", 0o750, "_rspamd", "postfix")
    host.directory(settings.mail_directory[1:], 0o750, "vmail", "vmail")
    # postrm is plain sh and may run when nothing else is left: this line is all that it needs to know.
    line = File((settings.mail_directory + "\n").encode("utf-8"), 0o644, "root", "root")
    if host.file(STATE + "/mail-directory") != line:
        host.write(STATE + "/mail-directory", line)


def _first_accounts(host: Host, database: Accounts, settings: Settings) -> Iterator[str]:
    password_hash = host.text(_FIRST_HASH).strip()
    if not database.has_mailbox(settings.address) and not password_hash:
        password_hash = _generated(host)
        yield generated(settings)
    for domain in settings.domain:
        if domain not in database.domains():
            database.add_domain(domain, settings.address)
    if not database.has_mailbox(settings.address):
        database.add_mailbox(settings.address, password_hash)
    elif password_hash:
        database.set_password(settings.address, password_hash)
    host.remove(_FIRST_HASH)
    previous = host.text(_FIRST_MAILBOX).strip()
    if previous != settings.address:
        # The role addresses follow the first mailbox, but not those that the admin pointed elsewhere.
        database.move_roles(previous, settings.address)
        host.write(_FIRST_MAILBOX, File((settings.address + "\n").encode("ascii"), 0o600, "root", "root"))
    dkim.ensure(host, database.domains())
    signing.write(host)


def generated(settings: Settings) -> str:
    """Where the first mailbox's password is."""
    return "The password of {} was generated: read it in /{} and remove that file.".format(
        settings.address, FIRST_PASSWORD)


def _generated(host: Host) -> str:
    password = passwords.generated()
    hashed = passwords.hashed(host, password)
    host.write(FIRST_PASSWORD, File((password + "\n").encode("ascii"), 0o600, "root", "root"))
    return hashed


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
