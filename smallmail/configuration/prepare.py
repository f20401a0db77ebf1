"""Prepare what must exist before a daemon can read the configuration: users, folders, accounts, keys, a certificate.

It may be repeated at any time: it creates what is missing, gives folders their permissions, and sets the first
mailbox's password if the admin has just answered that question.
"""
from typing import Dict, Iterator, List, NamedTuple

from smallmail.accounts import database as account_database, first_mailbox
from smallmail.accounts.database import Accounts
from smallmail.dkim import keys, signing
from smallmail.machine import state, state_files, users
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, tlsa

_WAITS = ("The new certificate has another key than the TLSA records in DNS: the old one stays in use until DNS has"
          " records for both; 'smallmail certificate status' shows what is missing.")

Ensured = NamedTuple("Ensured", [
    ("notices", List[str]),         # a sentence for each thing that the admin should know
    ("links", Dict[str, str]),      # symbolic links that must point elsewhere, by path; apply changes them
])


def ensure(host: Host, settings: Settings) -> Ensured:
    """Create what is missing. Returns notices, and the links that apply is to change. Raises Problem."""
    state_files.make_folder(host, state.FOLDER)
    users.ensure(host, settings.mail_directory)
    _folders(host, settings)
    newest = certificate.ensure(host, settings)
    target = tlsa.allowed(host, settings, newest)
    links = {state.CURRENT: target} if host.link(state.CURRENT) != target else {}
    notices = [_WAITS] if target != newest else []
    with account_database.open_accounts(host) as database:
        notices += _first_accounts(host, database, settings)
        keys.ensure(host, database.domains())
    signing.write(host)
    return Ensured(notices, links)


def forget_compiled(host: Host) -> None:
    """Remove our compiled Sieve scripts: Dovecot compiles them anew, but would not notice if an upgrade brought a
    script with an older date."""
    for name in host.names(state.SIEVE):
        if name.endswith(".svbin"):
            host.remove(state.SIEVE + "/" + name)


def _folders(host: Host, settings: Settings) -> None:
    for folder in (state.REDIS, state.RSPAMD, state.SIEVE, state.SPOOL):
        state_files.make_folder(host, folder)
    host.directory(settings.mail_directory[1:], 0o750, "vmail", "vmail")
    # postrm is plain sh and may run when nothing else is left: this line is all that it needs to know.
    state_files.write(host, state.MAIL_DIRECTORY, settings.mail_directory + "\n")


def _first_accounts(host: Host, database: Accounts, settings: Settings) -> Iterator[str]:
    """Create the first mailbox and the domains, and let the role addresses follow that mailbox. Yields notices."""
    password_hash = host.text(state.FIRST_HASH).strip()
    if not database.has_mailbox(settings.address) and not password_hash:
        password_hash = first_mailbox.generate(host)
        yield first_mailbox.where(settings)
    for domain in settings.domain:
        if domain not in database.domains():
            database.add_domain(domain, settings.address)
    if not database.has_mailbox(settings.address):
        database.add_mailbox(settings.address, password_hash)
    elif password_hash:
        database.set_password(settings.address, password_hash)
    host.remove(state.FIRST_HASH)
    previous = host.text(state.FIRST_MAILBOX).strip()
    if previous != settings.address:
        # Not those that the admin pointed elsewhere.
        database.move_roles(previous, settings.address)
        state_files.write(host, state.FIRST_MAILBOX, settings.address + "\n")
