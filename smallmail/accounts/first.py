"""What was carried out of larger files: see the names below."""
from smallmail.accounts import passwords
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings


def keep_password(host: Host, password_hash: str) -> None:
    """Keep the answered password of the first mailbox, hashed, until ensure() gives it to that mailbox."""
    state_files.make_folder(host, state.FOLDER)
    state_files.write(host, state.FIRST_HASH, password_hash + "\n")


def generated(settings: Settings) -> str:
    """Where the first mailbox's password is."""
    return "The password of {} was generated: read it in /{} and remove that file.".format(
        settings.address, state.FIRST_PASSWORD)


def keep_generated(host: Host) -> str:
    """Make a password, keep it in a file that only root can read, and return its hash."""
    password = passwords.generated()
    hashed = passwords.hashed(host, password)
    state_files.write(host, state.FIRST_PASSWORD, password + "\n")
    return hashed
