"""Carry out `smallmail check`."""
import argparse

from smallmail import findings
from smallmail.check import run as check_run
from smallmail.commands.telling import Told
from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.settings import store


def check(host: Host, options: argparse.Namespace) -> Told:
    """Check the groups named, or all. Returns what was found; the exit code is 1 when there is a problem. Raises
    Problem for a word that is not a group."""
    for name in options.groups:
        if name not in check_run.GROUPS:
            raise Problem("there is no group '{}': there are {}".format(name, ", ".join(check_run.GROUPS)))
    found = check_run.findings(host, store.load(host), options.groups or check_run.GROUPS)
    return findings.text(found), findings.data(found), 1 if findings.problems(found) else 0
