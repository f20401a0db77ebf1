"""The arguments of `smallmail queue`."""
from smallmail.commands.arguments.parser import Verbs, word
from smallmail.settings import values


def arguments(verbs: Verbs) -> None:
    """Add the actions on the queue."""
    actions = verbs.group("queue", "The mail that waits in Postfix's queue.")
    actions.reading("list", "logins.queue_list", "List the mail that waits.", "smallmail queue list")
    actions.changing("retry", "logins.queue_retry", "Try at once to deliver all mail that waits.",
                     "smallmail queue retry")
    pages = [
        actions.changing("hold", "logins.queue_hold", "Keep the mail that a login has sent in the queue. It is neither"
                         " delivered nor returned until you release or drop it.",
                         "smallmail queue hold --from bob@example.org"),
        actions.changing("release", "logins.queue_release", "Deliver the mail of a login that is held.",
                         "smallmail queue release --from bob@example.org"),
        actions.changing("drop", "logins.queue_drop", "Delete the mail that a login has sent and that is still in the"
                         " queue. Use it after 'smallmail user disable', if a stolen password has sent it: nobody is"
                         " told.",
                         "smallmail queue drop --from bob@example.org"),
    ]
    for page in pages:
        page.add_argument("--from", metavar="ADDRESS", dest="address", type=word(values.mailbox), required=True,
                          help="the mailbox whose login has sent the mail, with any of its addresses, or whose Sieve"
                          " script has")
