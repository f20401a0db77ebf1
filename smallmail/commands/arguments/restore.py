"""The arguments of `smallmail restore`."""
from smallmail.commands.arguments.parser import Parser, Verbs, word
from smallmail.settings import saving, values

_SERVER = """\
Make this host the server that was saved: settings, accounts, keys, what Rspamd has learned, mail. It is for a fresh
machine on which smallmail-server is installed, of the same Debian release or a newer one. Mail that is here already is
not touched: the mail directory must be empty.

The password of the repository is asked for, unless it is in /etc/smallmail/backup-password. What a far repository needs
to log in belongs into /etc/smallmail/backup.env, see backup-repository in smallmail.conf(5)."""

_MAILBOX = """\
Bring letters of a mailbox back, into its folder Restored, beside what the mailbox has now. All letters of the last
backup, or those of one folder, of an earlier time, or with some words in the subject."""


def arguments(verbs: Verbs) -> None:
    """Add the actions that bring something back from a backup."""
    actions = verbs.group("restore", "Bring something back from a backup.")
    page = actions.changing("server", "backup.restoring.server", _SERVER, "smallmail restore server",
                            "smallmail restore server --repository sftp:backup@nas.example.org:/smallmail")
    page.add_argument("--repository", type=word(saving.repository), default=saving.LOCAL,
                      help="as the setting backup-repository; if omitted, /var/backups/smallmail")
    page.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    _when(page)
    page = actions.changing("mailbox", "backup.restoring.mailbox_", _MAILBOX,
                            "smallmail restore mailbox bob@example.org --at tuesday",
                            "smallmail restore mailbox bob@example.org --folder Work/2026 --subject invoice")
    page.add_argument("address", metavar="ADDRESS", type=word(values.mailbox), help="the mailbox")
    page.add_argument("--folder", default="", help="one folder, as in Work/2026; if omitted, all")
    page.add_argument("--subject", default="", help="only letters with these words in the subject")
    _when(page)


def _when(page: Parser) -> None:
    page.add_argument("--at", default="", metavar="WHEN", help="the last backup made by this time: 2026-11-24,"
                      " '2026-11-24 15:30' (UTC), tuesday (the last one) or 3d (days ago)")
    page.add_argument("--host", default="", metavar="NAME", help="the saved host, if the repository has several")
