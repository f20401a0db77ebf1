"""The arguments of `smallmail status` and `smallmail check`."""
from smallmail.commands.arguments.parser import Verbs

_CHECK = """\
Find what is wrong with this host, why it matters and what to type. If no group is named, all are checked.

The groups: host (its name, clock, disk, services, and what was changed by hand), dns (as 'dns check', and the
resolvers), tls (the certificate as it is served), ports (open here, and whether mail gets out), mail (the queue, and
whether the daemons reach one another), reputation (block lists), security (what an attacker would gain), updates
(security updates of the mail packages).

The exit code is 1 when there is a problem; something that could not be checked does not count. smallmail-check.timer
runs the same check daily, and mails the postmaster what has changed."""


def arguments(verbs: Verbs) -> None:
    """Add both verbs."""
    verbs.reading("status", "status.status", "Show the state of this host on one screen. The exit code is 1 when there"
                  " is a problem.", "smallmail status")
    checking = verbs.reading("check", "check.check", _CHECK, "smallmail check", "smallmail check dns tls")
    checking.add_argument("groups", nargs="*", metavar="GROUP", help="a group to check; if omitted, all")
