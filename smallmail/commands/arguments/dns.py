"""The arguments of `smallmail dns`."""
from smallmail.commands.arguments.parser import Verbs

_SHOW = """\
Show the DNS records of the host and all its domains, as zone file text with a reason for each. With --plain, each is
shown field by field, as the web form of a DNS provider wants it."""

_CHECK = """\
Ask the domains' own name servers, bypassing caches, and judge whether mail can flow: addresses, MX, SPF, DKIM, DMARC,
CAA, reverse names, DNSSEC, and the name servers themselves. Records are judged by meaning, not by spelling. Each
problem comes with what to type. The exit code is 1 when there is a problem."""

_PUBLISH = """\
Put the records into DNS by dynamic update (RFC 2136) and wait until all name servers show them. smallmail
first shows the changes and asks for confirmation.

Missing records are added, and those that smallmail published are changed. Records that others wrote stay as they are;
those that prevent mail from flowing are listed. /etc/smallmail/rfc2136.ini says which name server takes updates.

The exit code is 1 when something is left to do: you answered no, records of others were left alone, a name was left
out, a zone was not changed, or some name server does not show all records yet."""


def arguments(verbs: Verbs) -> None:
    """Add the actions on DNS."""
    actions = verbs.group("dns", "The DNS records of the host and its domains.")
    actions.reading("show", "dns.show", _SHOW, "smallmail dns show", "smallmail dns show --plain") \
        .add_argument("--plain", action="store_true", help="names relative to the domain, values without quotes")
    checking = actions.reading("check", "dns.check", _CHECK, "smallmail dns check", "smallmail dns check example.org")
    publishing = actions.changing("publish", "publish.publish", _PUBLISH, "smallmail dns publish",
                                  "smallmail dns publish --yes example.org")
    for page in (checking, publishing):
        page.add_argument("names", nargs="*", metavar="DOMAIN", help="a mail domain; if omitted, all")
    publishing.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")
    publishing.add_argument("--replace", action="append", nargs=2, default=[], metavar=("NAME", "TYPE"),
                            help="also replace the records of this name and type, which others wrote; may be repeated")
    publishing.add_argument("--json", action="store_true",
                            help="print the data for programs; nothing is changed without --yes")
