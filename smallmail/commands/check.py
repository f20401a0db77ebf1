"""`smallmail check`: what is wrong with the host, why it matters and what to type."""
import argparse

from smallmail import errors, findings
from smallmail.check import run as check_run
from smallmail.commands.arguments.parser import Told
from smallmail.machine.host import Host
from smallmail.settings import store


def check(host: Host, options: argparse.Namespace) -> Told:
    """Check the groups named, or all. Returns what was found; the exit code is 1 when there is a problem. Raises
    WrongUsage for a word that is not a group."""
    for name in options.groups:
        if name not in check_run.GROUPS:
            raise errors.no_such("group", name, check_run.GROUPS, "the groups are {}".format(", ".join(
                check_run.GROUPS)))
    found = check_run.findings(host, store.load(host), options.groups or check_run.GROUPS)
    return findings.text(found), findings.data(found), 1 if findings.problems(found) else 0
