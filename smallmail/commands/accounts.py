"""`smallmail user` (logins.py has more of it), `smallmail alias` and `smallmail domain list`: what is in the account
databases.

Postfix and Dovecot read the databases themselves, so nothing is reloaded.
"""
import argparse
import sys
from collections import OrderedDict

from smallmail.accounts import database, passwords
from smallmail.commands.arguments.parser import Told
from smallmail.daemons import running
from smallmail.errors import Problem, WrongUsage
from smallmail.folders import former
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings import store


def user_add(host: Host, options: argparse.Namespace) -> int:
    """Create a mailbox. Returns the exit code."""
    address = options.address
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        accounts.must_take_mailbox(address)
        hashed = passwords.hashed(host, _password(address, options.password_stdin))
        left = former.set_aside(host, store.load(host).mail_directory, address)
        replaced = accounts.add_mailbox(address, hashed)
    print("Mailbox {} created.".format(address))
    if replaced:
        print("It replaces the alias {} -> {}.".format(address, ", ".join(replaced)))
    if left:
        print("What a former mailbox of this name had is in {}.".format(left))
    return 0


def user_restore(host: Host, options: argparse.Namespace) -> int:
    """Create a mailbox with what a removed one of its name had. Returns the exit code."""
    address, directory = options.address, store.load(host).mail_directory
    with database.open_accounts(host) as accounts:
        accounts.must_take_mailbox(address)
        hashed = passwords.hashed(host, _password(address, options.password_stdin))
        if not former.bring_back(host, directory, address):
            raise WrongUsage("no removed mailbox {} is kept: 'smallmail user add {}' creates a new one".format(
                address, address))
        accounts.add_mailbox(address, hashed)
    print("Mailbox {} created, with the mail and filters that it had.".format(address))
    return 0


def user_passwd(host: Host, options: argparse.Namespace) -> int:
    """Change the password. Returns the exit code."""
    settings, address = store.load(host), options.address
    with database.open_accounts(host) as accounts:
        accounts.must_have_mailbox(address)
        accounts.set_password(address, passwords.hashed(host, _password(address, options.password_stdin)))
    if address == settings.address:
        host.remove(state.FIRST_PASSWORD)   # the generated one is not valid any more
    running.kick(host, address)     # who knows the former one may be logged in
    print("Password of {} changed.".format(address))
    return 0


def user_remove(host: Host, options: argparse.Namespace) -> int:
    """Remove a mailbox and end its sessions; its mail is kept on the disk. Returns the exit code."""
    settings, address = store.load(host), options.address
    if address == settings.address:
        raise Problem("{} is the first mailbox: type 'smallmail set address=…' with another one first".format(address))
    with database.open_accounts(host) as accounts:
        is_role = accounts.remove_mailbox(address, settings.address)
    running.kick(host, address)
    print("Mailbox {} removed. Nobody can log in or receive mail there now.".format(address) if not is_role else
          "Mailbox {} removed. Mail for it is now delivered to {}.".format(address, settings.address))
    try:
        kept = former.set_aside(host, settings.mail_directory, address)
    except Problem as error:
        print("smallmail: {}".format(error), file=sys.stderr)
        return 1
    print("Its mail is kept in {}: 'smallmail user restore {}' brings it back.".format(kept, address) if kept else
          "It had no mail.")
    return 0


def user_list(host: Host, _: argparse.Namespace) -> Told:
    """Return all mailboxes."""
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        mailboxes = accounts.mailboxes()
    lines = [mailbox.address + ("" if mailbox.enabled else "  (disabled)") for mailbox in mailboxes]
    return "\n".join(lines), [OrderedDict(zip(mailbox._fields, mailbox)) for mailbox in mailboxes], 0


def alias_add(host: Host, options: argparse.Namespace) -> int:
    """Add an alias, or one more destination of it. Returns the exit code."""
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        accounts.add_alias(options.address, options.destination)
    print("Alias {} -> {} created.".format(options.address, options.destination))
    return 0


def alias_remove(host: Host, options: argparse.Namespace) -> int:
    """Remove an alias, or one of its destinations. Returns the exit code."""
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        accounts.remove_alias(options.address, options.destination or "")
    print("Alias {}{} removed.".format(options.address, " -> " + options.destination if options.destination else ""))
    return 0


def alias_list(host: Host, _: argparse.Namespace) -> Told:
    """Return all aliases."""
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        aliases = accounts.aliases()
    data = [OrderedDict(zip(alias._fields, alias)) for alias in aliases]
    return "\n".join("{} -> {}".format(alias.address, alias.destination) for alias in aliases), data, 0


def domain_list(host: Host, _: argparse.Namespace) -> Told:
    """Return all domains."""
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        names = accounts.domains()
    return "\n".join(names), names, 0


def _password(address: str, from_stdin: bool) -> str:
    """Return the password, read from standard input or typed twice; never from argv, which every user can see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise WrongUsage("there is no terminal to ask for the password: use --password-stdin")
    return passwords.typed("Password for {}: ".format(address))
