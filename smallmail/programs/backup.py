"""Make the backup of the night: `run backup`, from smallmail-backup.timer. What fails is in the next daily letter."""
import sys
from typing import List

from smallmail.backup import restic, take
from smallmail.configuration import in_force
from smallmail.machine.host import Host
from smallmail.settings import saving


def backup(host: Host, _: List[str]) -> int:
    """Make a backup, unless that is switched off. Returns the exit code; raises Problem."""
    settings = in_force.load_or_last(host)
    if settings.backup_repository == saving.OFF:
        return 0
    if not restic.is_installed(host):
        print("smallmail: no backup is made: the package restic is not installed", file=sys.stderr)
        return 0    # the daily check tells it
    take.take(host, settings, lambda part: None)
    return 0
