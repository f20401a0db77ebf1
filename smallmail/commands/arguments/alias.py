"""The arguments of `smallmail alias`."""
from smallmail.commands.arguments.parser import Verbs, word
from smallmail.settings import values


def arguments(verbs: Verbs) -> None:
    """Add the actions on aliases."""
    actions = verbs.group("alias", "Addresses that deliver to others; @DOMAIN is a catch-all.")
    adding = actions.changing("add", "accounts.alias_add", "Deliver mail for ADDRESS to DESTINATION. Repeat it for"
                              " several destinations. @DOMAIN means every address of the domain that does not exist.",
                              "smallmail alias add sales@example.org bob@example.org",
                              "smallmail alias add @example.org bob@example.org")
    removing = actions.changing("remove", "accounts.alias_remove", "Remove an alias, or one of its destinations.",
                                "smallmail alias remove sales@example.org")
    for page in (adding, removing):
        page.add_argument("address", metavar="ADDRESS", type=word(values.alias_address), help="the address, or @DOMAIN")
    adding.add_argument("destination", metavar="DESTINATION", type=word(values.address),
                        help="where its mail is delivered")
    removing.add_argument("destination", metavar="DESTINATION", type=word(values.address), nargs="?",
                          help="the one to remove; without it, all")
    actions.reading("list", "accounts.alias_list", "List all aliases.", "smallmail alias list")
