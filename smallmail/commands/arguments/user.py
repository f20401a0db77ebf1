"""The arguments of `smallmail user`."""
from smallmail.commands.arguments.parser import Verbs, word
from smallmail.settings import values


def arguments(verbs: Verbs) -> None:
    """Add the actions on mailboxes."""
    actions = verbs.group("user", "Mailboxes.")
    adding = actions.changing("add", "accounts.user_add", "Create a mailbox. You are asked for its password.",
                              "smallmail user add bob@example.org")
    changing = actions.changing("passwd", "accounts.user_passwd", "Change a mailbox's password, and end its sessions."
                                " You are asked for the new one.", "smallmail user passwd bob@example.org")
    removing = actions.changing("remove", "accounts.user_remove", "Remove a mailbox, and end its sessions. Its mail and"
                                " filters are kept in .removed in the mail directory.",
                                "smallmail user remove bob@example.org")
    restoring = actions.changing("restore", "accounts.user_restore", "Create a removed mailbox anew, with the mail and"
                                 " filters that it had. You are asked for a password.",
                                 "smallmail user restore bob@example.org")
    disabling = actions.changing("disable", "logins.disable", "Refuse all logins of a mailbox at once, and end its"
                                 " sessions. It cannot send any more, and still receives mail.",
                                 "smallmail user disable bob@example.org")
    enabling = actions.changing("enable", "logins.enable", "Let a mailbox log in again.",
                                "smallmail user enable bob@example.org")
    limiting = actions.changing(
        "limit", "logins.limit", "Show the limits on what a mailbox may send, or change them. The names are those of"
        " the settings in smallmail.conf(5) without 'limit-': messages-hour, messages-day, recipients-hour,"
        " recipients-day, new-network. NAME=0 means no limit, NAME= the setting's.",
        "smallmail user limit bob@example.org", "smallmail user limit bob@example.org recipients-hour=2000"
        " recipients-day=4000")
    for page in (adding, changing, removing, restoring, disabling, enabling, limiting):
        page.add_argument("address", metavar="ADDRESS", type=word(values.mailbox), help="the mailbox's address")
    for page in (adding, changing, restoring):
        page.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    limiting.add_argument("changes", nargs="*", metavar="NAME=NUMBER", help="a limit of its own")
    actions.reading("list", "accounts.user_list", "List all mailboxes.", "smallmail user list")
