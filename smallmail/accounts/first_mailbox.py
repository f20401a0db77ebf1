"""The first mailbox, its domains, and its password between the question that asked for it and the mailbox."""
from typing import Iterator

from smallmail.accounts import database as account_database, passwords
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings


def prepare(host: Host, settings: Settings) -> Iterator[str]:
    """Create the first mailbox and the domains, and let the role addresses follow that mailbox. Yields notices.

    Gives the mailbox the password that was just answered, if there is one.
    """
    password_hash = host.text(state.FIRST_HASH).strip()
    with account_database.open_accounts(host) as database:
        if not database.has_mailbox(settings.address) and not password_hash:
            password_hash = generate(host)
            yield where(settings)
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


def keep_hash(host: Host, password_hash: str) -> None:
    """Keep the hash of the answered password until prepare() gives it to the mailbox."""
    state_files.make_folder(host, state.FOLDER)
    state_files.write(host, state.FIRST_HASH, password_hash + "\n")


def generate(host: Host) -> str:
    """Generate a password and keep it in a file that only root can read. Returns its hash."""
    password = passwords.generated()
    hashed = passwords.hashed(host, password)
    state_files.write(host, state.FIRST_PASSWORD, password + "\n")
    return hashed


def where(settings: Settings) -> str:
    """Return the sentence that tells the admin where the generated password is."""
    return "The password of {} was generated: read it in /{} and remove that file.".format(
        settings.address, state.FIRST_PASSWORD)
