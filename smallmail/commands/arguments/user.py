"""The arguments of `smallmail user`."""
from smallmail.commands.arguments.parser import Verbs, word
from smallmail.settings import values


def arguments(verbs: Verbs) -> None:
    """Add the actions on mailboxes."""
    actions = verbs.group("user", "Mailboxes.")
    adding = actions.changing("add", "accounts.user_add", "Create a mailbox. You are asked for its password.",
                              "smallmail user add bob@example.org")
    changing = actions.changing("passwd", "accounts.user_passwd", "Change a mailbox's password. You are asked for the"
                                " new one.", "smallmail user passwd bob@example.org")
    removing = actions.changing("remove", "accounts.user_remove", "Remove a mailbox. Its mail stays on the disk.",
                                "smallmail user remove bob@example.org")
    for page in (adding, changing, removing):
        page.add_argument("address", metavar="ADDRESS", type=word(values.mailbox), help="the mailbox's address")
    for page in (adding, changing):
        page.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    actions.reading("list", "accounts.user_list", "List all mailboxes.", "smallmail user list")
