"""The first mailbox's password, between the question that asked for it and the mailbox that gets it."""
from smallmail.accounts import passwords
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings


def keep_hash(host: Host, password_hash: str) -> None:
    """Keep the hash of the answered password until configuration/prepare.py gives it to the mailbox."""
    state_files.make_folder(host, state.FOLDER)
    state_files.write(host, state.FIRST_HASH, password_hash + "\n")


def generate(host: Host) -> str:
    """Generate a password and keep it in a file that only root can read. Returns its hash."""
    password = passwords.generated()
    hashed = passwords.hashed(host, password)
    state_files.write(host, state.FIRST_PASSWORD, password + "\n")
    return hashed


def where(settings: Settings) -> str:
    """Return the sentence that tells the admin where the generated password is."""
    return "The password of {} was generated: read it in /{} and remove that file.".format(
        settings.address, state.FIRST_PASSWORD)
