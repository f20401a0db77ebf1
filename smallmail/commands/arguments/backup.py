"""The arguments of `smallmail backup`."""
from smallmail.commands.arguments.parser import Verbs

_NOW = """\
Save all that makes this server, encrypted: settings, accounts, keys, what Rspamd has learned, filters and mail.
'smallmail backup' alone does the same, and so does smallmail-backup.timer each night. The settings backup-repository
and backup-keep say where backups go and which are kept; the program is restic.

Nobody can read a backup without the password in /etc/smallmail/backup-password. Keep a copy of it elsewhere."""

_STATUS = """\
Show when the last backup was made, how large it is, and what is wrong. The exit code is 1 when there is a problem."""


def arguments(verbs: Verbs) -> None:
    """Add the actions on backups."""
    actions = verbs.group("backup", "Backups of all that makes this server.")
    page = actions.changing("now", "backup.making.now", _NOW, "smallmail backup now", "smallmail backup now --dry-run")
    page.add_argument("--dry-run", action="store_true", help="only show what would be saved")
    page.add_argument("--new", action="store_true", help="begin a repository anew where there was one")
    actions.reading("status", "backup.making.status", _STATUS, "smallmail backup status")
    actions.reading("list", "backup.making.list_", "List the backups that the repository has.", "smallmail backup list")
