"""The arguments of `smallmail alias`."""
from smallmail.commands.arguments.parser import Verbs, word
from smallmail.settings import values


def arguments(verbs: Verbs) -> None:
    """Add the actions on aliases."""
    actions = verbs.group("alias", "Addresses that deliver to others; @DOMAIN is a catch-all.")
    adding = actions.changing("add", "accounts.alias_add", "Deliver mail for ADDRESS to DESTINATION. Repeat the"
                              " command for more destinations. @DOMAIN catches mail for every address of that domain"
                              " that is neither a mailbox nor an alias.",
                              "smallmail alias add sales@example.org bob@example.org",
                              "smallmail alias add @example.org bob@example.org")
    removing = actions.changing("remove", "accounts.alias_remove", "Remove an alias, or one of its destinations.",
                                "smallmail alias remove sales@example.org")
    for page in (adding, removing):
        page.add_argument("address", metavar="ADDRESS", type=word(values.alias_address), help="the address, or @DOMAIN")
    adding.add_argument("destination", metavar="DESTINATION", type=word(values.address),
                        help="the address that receives the mail")
    removing.add_argument("destination", metavar="DESTINATION", type=word(values.address), nargs="?",
                          help="the destination to remove; if omitted, the whole alias")
    actions.reading("list", "accounts.alias_list", "List all aliases.", "smallmail alias list")
