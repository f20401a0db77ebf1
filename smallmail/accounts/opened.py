"""What was carried out of larger files: see the names below."""
from smallmail.accounts.database import Accounts
from smallmail.machine import state, state_files
from smallmail.machine.host import Host


class open_accounts:
    """The account databases of a host, as a context."""

    def __init__(self, host: Host) -> None:
        for path in (state.ACCOUNTS, state.PASSWORDS):
            if not host.exists(path):
                state_files.write(host, path, "")
        self._database = Accounts(host.path(state.ACCOUNTS), host.path(state.PASSWORDS))

    def __enter__(self) -> Accounts:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()
