"""`smallmail history`: the last configurations, what caused each, and how they differ."""
import argparse
from collections import OrderedDict

from smallmail.commands.arguments.parser import Told
from smallmail.configuration import history as kept_history
from smallmail.machine import dates
from smallmail.machine.host import Host


def history(host: Host, options: argparse.Namespace) -> Told:
    """Return the last configurations, or how one differs from the one before it."""
    kept = kept_history.entries(host)
    before = dict(zip([applied.number for applied in kept[1:]], kept))
    if options.number is not None:
        chosen = kept_history.one(host, options.number)
        kept = [chosen]
        lines = list(kept_history.diff(before.get(chosen.number), chosen))
    else:
        lines = ["{:>4}  {}  {}\n      {}".format(
            applied.number, dates.minute(applied.when), applied.asked,
            kept_history.summary(before.get(applied.number), applied)) for applied in kept]
    data = [OrderedDict([("number", applied.number), ("when", applied.when), ("asked", applied.asked),
                         ("versions", applied.versions),
                         ("diff", list(kept_history.diff(before.get(applied.number), applied)))]) for applied in kept]
    return "\n".join(lines) or "Nothing was applied yet.", data, 0
