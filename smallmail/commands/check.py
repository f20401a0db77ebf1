"""What `smallmail check` does."""
import argparse

from smallmail import findings
from smallmail.commands.telling import Told
from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.settings import store


def check(host: Host, options: argparse.Namespace) -> Told:
    """All that was found in the groups named, or in all; exit code 1 when there is a problem."""
    # Every verb would wait for dnspython: loading it takes a tenth of a second.
    from smallmail.check import run as check_run  # noqa: PLC0415

    for name in options.groups:
        if name not in check_run.GROUPS:
            raise Problem("there is no group '{}': there are {}".format(name, ", ".join(check_run.GROUPS)))
    found = check_run.findings(host, store.load(host), options.groups or check_run.GROUPS)
    return findings.text(found), findings.data(found), 1 if findings.problems(found) else 0
