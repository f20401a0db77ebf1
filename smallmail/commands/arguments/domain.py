"""The arguments of `smallmail domain`."""
from smallmail.commands.arguments.parser import Verbs, word
from smallmail.settings import values


def arguments(verbs: Verbs) -> None:
    """Add the actions on mail domains."""
    actions = verbs.group("domain", "Mail domains.")
    pages = [
        actions.changing("add", "domain.add", "Add a mail domain, and show the DNS records to set for it. Mail for its"
                         " postmaster, abuse, hostmaster and root is delivered to the first mailbox.",
                         "smallmail domain add example.net"),
        actions.changing("remove", "domain.remove", "Remove a mail domain that has no mailboxes, and its aliases.",
                         "smallmail domain remove example.net"),
    ]
    for page in pages:
        page.add_argument("name", metavar="DOMAIN", type=word(values.domain), help="for example example.net")
    actions.reading("list", "accounts.domain_list", "List all mail domains.", "smallmail domain list")
