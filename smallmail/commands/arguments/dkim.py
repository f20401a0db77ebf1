"""The arguments of `smallmail dkim`."""
from smallmail.commands.arguments.parser import Verbs

_LIST = """\
List all DKIM keys, their age, and what each is for. A key is 'signing', 'next' (waiting for the listed name servers)
or 'old' (delete its record on the date shown). The exit code is 1 when Rspamd signs with the wrong keys."""

_ROTATE = """\
Change the keys of all domains, or of those named, without a gap. The next keys are made and their records shown, or
published, if 'smallmail dns publish' is set up.

The new keys sign as soon as all name servers show them. smallmail checks every ten minutes, and at once when you
type this command again. The records of the former keys stay for two more weeks, for mail that is on its way.

The exit code is 1 when Rspamd signs with the wrong keys; waiting for name servers is not a problem."""


def arguments(verbs: Verbs) -> None:
    """Add the actions on DKIM keys."""
    actions = verbs.group("dkim", "DKIM keys: the signatures on your outgoing mail.")
    actions.reading("list", "dkim.list_", _LIST, "smallmail dkim list")
    rotating = actions.changing("rotate", "dkim.rotate", _ROTATE, "smallmail dkim rotate",
                                "smallmail dkim rotate --new example.org")
    rotating.add_argument("names", nargs="*", metavar="DOMAIN", help="a mail domain; if omitted, all")
    rotating.add_argument("--new", action="store_true",
                          help="rotate again before the last rotation has finished, for example after a key leak")
    rotating.add_argument("--json", action="store_true", help="print the data for programs")
