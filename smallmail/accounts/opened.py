"""What was carried out of larger files: see the names below."""
from smallmail.accounts import database
from smallmail.accounts.database import Accounts
from smallmail.machine.file import File
from smallmail.machine.host import Host


class open_accounts:
    """The account databases of a host, as a context."""

    def __init__(self, host: Host) -> None:
        # Dovecot's auth worker alone reads the hashes; other processes of Dovecot have the group, but not the user.
        for path, empty in ((database.ACCOUNTS, File(b"", 0o640, "root", "postfix")),
                            (database.PASSWORDS, File(b"", 0o400, "dovecot", "root"))):
            if not host.exists(path):
                host.write(path, empty)
        self._database = Accounts(host.path(database.ACCOUNTS), host.path(database.PASSWORDS))

    def __enter__(self) -> Accounts:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()
