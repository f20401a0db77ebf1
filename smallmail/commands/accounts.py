"""What the verbs on domains, mailboxes and aliases do. Postfix and Dovecot read the databases: nothing is reloaded."""
import argparse
import sys
import time
from collections import OrderedDict
from typing import Any, Callable, Tuple

from smallmail import wanted_records
from smallmail.accounts import passwords
from smallmail.accounts.database import alias_address
from smallmail.accounts.opened import open_accounts
from smallmail.dkim import keys as dkim_keys, signing
from smallmail.errors import Problem
from smallmail.machine import dates, state
from smallmail.machine.host import Host
from smallmail.settings import store, values
from smallmail.zones import dns_records

Told = Tuple[str, Any, int]


def domain_add(host: Host, options: argparse.Namespace) -> int:
    """The domain, its role addresses and its DKIM key; prints the records to set."""
    settings = store.load(host)
    name = _checked(values.domain, options.name)
    if name == settings.hostname:
        raise Problem("{} is the host's own name: to take mail for it type 'smallmail set domain=\"{} {}\"'".format(
            name, settings.text("domain"), name))
    with open_accounts(host) as database:
        database.add_domain(name, settings.address)
    dkim_keys.ensure(host, [name])
    _let_sign(host)
    print("Set these records in DNS:\n")
    print(dns_records.zone_text([record for record in wanted_records.records(host, settings)
                         if record.name == name or record.name.endswith("." + name)]))
    return 0


def domain_remove(host: Host, options: argparse.Namespace) -> int:
    """Remove a domain; its DKIM keys stay as long as mail that they signed may be on its way, should it come back."""
    settings = store.load(host)
    name = _checked(values.domain, options.name)
    if name in settings.domain:
        raise Problem("{} stands in the setting 'domain': type 'smallmail set domain=…' without it first".format(name))
    with open_accounts(host) as database:
        database.remove_domain(name)
    keys = dkim_keys.retire(host, name)
    _let_sign(host)
    if keys:
        print("Take its MX record out of DNS. Leave its DKIM records ({}) until {}, for mail that is on its way."
              .format(", ".join(map(dkim_keys.record_name, keys)),
                      dates.day(time.time() + dkim_keys.GRACE_DAYS * 86400)))
    return 0


def domain_list(host: Host, _: argparse.Namespace) -> Told:
    """All domains."""
    with _accounts(host) as database:
        names = database.domains()
    return "\n".join(names), names, 0


def user_add(host: Host, options: argparse.Namespace) -> int:
    """A new mailbox."""
    address = _checked(values.mailbox, options.address)
    with _accounts(host) as database:
        database.must_take_mailbox(address)
        led = database.add_mailbox(address, passwords.hashed(host, _password(address, options.password_stdin)))
    if led:
        print("The mailbox takes the place of the alias {} -> {}.".format(address, ", ".join(led)))
    return 0


def user_passwd(host: Host, options: argparse.Namespace) -> int:
    """Another password."""
    settings = store.load(host)
    address = _checked(values.mailbox, options.address)
    with open_accounts(host) as database:
        database.must_have_mailbox(address)
        database.set_password(address, passwords.hashed(host, _password(address, options.password_stdin)))
    if address == settings.address:
        host.remove(state.FIRST_PASSWORD)  # the generated one opens nothing any more
    return 0


def user_remove(host: Host, options: argparse.Namespace) -> int:
    """Remove a mailbox's entry; its mail stays on the disk."""
    settings = store.load(host)
    address = _checked(values.mailbox, options.address)
    if address == settings.address:
        raise Problem("{} is the first mailbox: type 'smallmail set address=…' with another one first".format(address))
    with open_accounts(host) as database:
        is_role = database.remove_mailbox(address, settings.address)
    domain, name = address.rpartition("@")[2], address.rpartition("@")[0]
    print("Its mail stays in {}/{}/{}.".format(settings.mail_directory, domain, name))
    if is_role:
        print("Mail for {} goes to {} from now on.".format(address, settings.address))
    return 0


def user_list(host: Host, _: argparse.Namespace) -> Told:
    """All mailboxes."""
    with _accounts(host) as database:
        found = database.mailboxes()
    data = [OrderedDict(zip(mailbox._fields, mailbox)) for mailbox in found]
    return "\n".join(mailbox.address + ("" if mailbox.enabled else "  (disabled)") for mailbox in found), data, 0


def alias_add(host: Host, options: argparse.Namespace) -> int:
    """A new alias."""
    with _accounts(host) as database:
        database.add_alias(_checked(alias_address, options.address), _checked(values.address, options.destination))
    return 0


def alias_remove(host: Host, options: argparse.Namespace) -> int:
    """Remove an alias."""
    destination = _checked(values.address, options.destination) if options.destination else ""
    with _accounts(host) as database:
        database.remove_alias(_checked(alias_address, options.address), destination)
    return 0


def alias_list(host: Host, _: argparse.Namespace) -> Told:
    """All aliases."""
    with _accounts(host) as database:
        found = database.aliases()
    data = [OrderedDict(zip(alias._fields, alias)) for alias in found]
    return "\n".join("{} -> {}".format(alias.address, alias.destination) for alias in found), data, 0


def _let_sign(host: Host) -> None:
    """What goes wrong is not the end: the timer tries again."""
    try:
        wrong = signing.settle(host)
    except Problem as error:
        wrong = str(error)
    if wrong:
        print("smallmail: " + wrong, file=sys.stderr)


def _accounts(host: Host) -> open_accounts:
    """The databases of a host that is set up; raises Problem on one that is not."""
    store.load(host)
    return open_accounts(host)


def _checked(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        raise Problem(str(error))


def _password(address: str, from_stdin: bool) -> str:
    """The password, from standard input or asked twice; never from argv, where every user of the host could see it."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise Problem("there is no terminal to ask for the password: use --password-stdin")
    return passwords.typed("Password for {}: ".format(address))
