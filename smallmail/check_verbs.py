"""What `smallmail check` does."""
import argparse

from smallmail import findings, store
from smallmail.errors import Problem
from smallmail.host import Host
from smallmail.verbs import Told


def check(host: Host, options: argparse.Namespace) -> Told:
    """All that was found in the groups named, or in all; exit code 1 when there is a problem."""
    # Every verb would wait for dnspython: loading it takes a tenth of a second.
    from smallmail import checkup  # noqa: PLC0415

    for name in options.groups:
        if name not in checkup.GROUPS:
            raise Problem("there is no group '{}': there are {}".format(name, ", ".join(checkup.GROUPS)))
    found = checkup.findings(host, store.load(host), options.groups or checkup.GROUPS)
    return findings.text(found), findings.data(found), 1 if findings.problems(found) else 0
