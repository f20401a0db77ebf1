"""What was carried out of larger files: see the names below."""
from smallmail.accounts import passwords
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.machine.state import STATE
from smallmail.settings.fields import Settings

FIRST_PASSWORD = STATE + "/first-password"
FIRST_HASH = STATE + "/first-password-hash"


def keep_password(host: Host, password_hash: str) -> None:
    """Keep the answered password of the first mailbox, hashed, until ensure() gives it to that mailbox."""
    host.directory(STATE)
    host.write(FIRST_HASH, File((password_hash + "\n").encode("ascii"), 0o600, "root", "root"))


def generated(settings: Settings) -> str:
    """Where the first mailbox's password is."""
    return "The password of {} was generated: read it in /{} and remove that file.".format(
        settings.address, FIRST_PASSWORD)


def keep_generated(host: Host) -> str:
    """Make a password, keep it in a file that only root can read, and return its hash."""
    password = passwords.generated()
    hashed = passwords.hashed(host, password)
    host.write(FIRST_PASSWORD, File((password + "\n").encode("ascii"), 0o600, "root", "root"))
    return hashed
