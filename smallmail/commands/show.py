"""`smallmail show`: the settings, without the secrets."""
import argparse
from collections import OrderedDict

from smallmail.commands.arguments.parser import Told
from smallmail.machine.host import Host
from smallmail.settings import fields, store

_HIDDEN = "(set; not shown)"


def show(host: Host, options: argparse.Namespace) -> Told:
    """Return the settings, without the secrets. Raises WrongUsage for a name that does not exist."""
    chosen = [fields.known(name) for name in options.names] or list(fields.FIELDS.values())
    current = store.load(host)
    shown = OrderedDict((field.name, _HIDDEN if field.secret and current.text(field.name) else current.text(field.name))
                        for field in chosen)
    return "\n".join("{} = {}".format(name, value).rstrip() for name, value in shown.items()), shown, 0
