"""The arguments of `smallmail bans`."""
from smallmail.commands.arguments.parser import Parser, Verbs

_LIST = """\
List the addresses that are kept out of all ports of mail, since when, until when, and some of the names that were
tried.

An address is banned after ten different wrong tries; the same wrong password does not count again. Where somebody has
logged in during the last thirty days, only the guessed names are slowed."""

_ADD = """\
Ban an address or a network until you lift it."""

_LIFT = """\
Lift the ban of an address, or all bans in a network, and forget its wrong passwords. It may be banned again: 'smallmail
bans never' keeps it from that."""

_NEVER = """\
Never ban an address or a network: it is added to the setting bans-never, and its bans are lifted."""


def arguments(verbs: Verbs) -> None:
    """Add the actions on bans."""
    actions = verbs.group("bans", "Addresses that are kept out, because passwords were guessed from there.")
    actions.reading("list", "bans.list_", _LIST, "smallmail bans list")
    _network(actions.changing("add", "bans.add", _ADD, "smallmail bans add 203.0.113.0/24"))
    _network(actions.changing("lift", "bans.lift", _LIFT, "smallmail bans lift 203.0.113.5"))
    _network(actions.changing("never", "bans.never", _NEVER, "smallmail bans never 192.0.2.0/24"))


def _network(page: Parser) -> None:
    page.add_argument("network", metavar="ADDRESS", help="an address, or a network such as 192.0.2.0/24")
