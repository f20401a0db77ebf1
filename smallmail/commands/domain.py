"""`smallmail domain add` and `smallmail domain remove`: mail domains with their DKIM keys; accounts.py lists them."""
import argparse
import sys
import time

from smallmail import wanted_records
from smallmail.accounts import database
from smallmail.dkim import keys as dkim_keys, signing
from smallmail.errors import Problem, WrongUsage
from smallmail.machine import dates
from smallmail.machine.host import Host
from smallmail.settings import store
from smallmail.zones import dns_records


def add(host: Host, options: argparse.Namespace) -> int:
    """Add the domain, its role addresses and its DKIM key; print the records to set. Returns the exit code."""
    settings, name = store.load(host), options.name
    if name == settings.hostname:
        raise WrongUsage("{} is the host's own name: to accept mail for it, type 'smallmail set domain=\"{} {}\"'"
                         .format(name, settings.text("domain"), name))
    with database.open_accounts(host) as accounts:
        accounts.add_domain(name, settings.address)
    dkim_keys.ensure(host, [name])
    print("Domain {} added.".format(name))
    _let_sign(host)
    print("Set these records in DNS:\n")
    print(dns_records.zone_text([record for record in wanted_records.needed_records(host, settings)
                                 if record.name == name or record.name.endswith("." + name)]))
    return 0


def remove(host: Host, options: argparse.Namespace) -> int:
    """Remove the domain; its DKIM keys stay as long as mail that they signed may be on its way. Returns the code."""
    settings, name = store.load(host), options.name
    if name in settings.domain:
        raise Problem("{} is in the setting 'domain': type 'smallmail set domain=…' without it first".format(name))
    with database.open_accounts(host) as accounts:
        accounts.remove_domain(name)
    keys = dkim_keys.retire(host, name)
    print("Domain {} removed.".format(name))
    _let_sign(host)
    if keys:
        print("Remove its MX record from DNS. Leave its DKIM records ({}) until {}, for mail that is on its way."
              .format(", ".join(map(dkim_keys.record_name, keys)),
                      dates.day(time.time() + dkim_keys.GRACE_DAYS * 86400)))
    return 0


def _let_sign(host: Host) -> None:
    """Let Rspamd sign with the keys there are. A failure is only told: the timer tries again."""
    try:
        trouble = signing.settle(host)
    except Problem as error:
        trouble = str(error)
    if trouble:
        print("smallmail: " + trouble, file=sys.stderr)
