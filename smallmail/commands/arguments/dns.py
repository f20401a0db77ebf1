"""The arguments of `smallmail dns`."""
from smallmail.commands.arguments.parser import Verbs

_SHOW = """\
Show all DNS records for all domains. They are printed as zone file text, with a reason for each; with --plain field by
field, for typing them into the web form of a DNS provider."""

_CHECK = """\
Ask the domains' own name servers, past all caches, whether what they say lets mail flow: addresses, MX, SPF, DKIM,
DMARC, CAA, reverse names, DNSSEC, and the name servers themselves. What records mean is judged, not how they are
written. Each problem comes with what to type; the exit code is 1 when there is one."""

_PUBLISH = """\
Put the records into DNS by dynamic update (RFC 2136) and wait until all name servers show them. What would change is
shown first, and you are asked.

Missing records are added, and those that smallmail published are changed. Records that others wrote stay as they are;
where they keep mail from flowing they are named. /etc/smallmail/rfc2136.ini says which name server takes updates."""


def arguments(verbs: Verbs) -> None:
    """Add the actions on DNS."""
    actions = verbs.group("dns", "The DNS records of the host and its domains.")
    actions.reading("show", "dns.show", _SHOW, "smallmail dns show", "smallmail dns show --plain") \
        .add_argument("--plain", action="store_true", help="names relative to the domain, values without quotes")
    checking = actions.reading("check", "dns.check", _CHECK, "smallmail dns check", "smallmail dns check example.org")
    publishing = actions.changing("publish", "publish.publish", _PUBLISH, "smallmail dns publish",
                                  "smallmail dns publish --yes example.org")
    for page in (checking, publishing):
        page.add_argument("names", nargs="*", metavar="DOMAIN", help="a mail domain; without one, all")
    publishing.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")
    publishing.add_argument("--replace", action="append", nargs=2, default=[], metavar=("NAME", "TYPE"),
                            help="also replace these records, which others wrote; may be repeated")
    publishing.add_argument("--json", action="store_true",
                            help="print the data for programs; without --yes nothing changes")
