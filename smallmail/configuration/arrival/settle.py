"""Make the state that came from a backup this machine's."""
import contextlib
from typing import List, Tuple

from smallmail.configuration import record
from smallmail.configuration.arrival import owners, whose
from smallmail.folders import volume
from smallmail.machine import services, state, state_files, users
from smallmail.machine.host import Failed, Host

# What is of no use on any other machine and at no other time; and what is of no use on a machine that was never set up.
_OLD = (state.JOURNAL, state.LEFT, state.UNITS)
_OTHERS = (state.RETIRED_STORES, state.JOINED_POSTFIX, state.VALIDATES)

# They have read what was here before, and must not write it again. They start by themselves.
_UNITS = ("smallmail-bans.service", "smallmail-limits.service")


def settle(host: Host, directory: str) -> List[str]:
    """Make the state this machine's, if it came from a backup: forget what is true of the other machine only, give all
    files their owners, also the mail in `directory`. Returns a sentence on that, or nothing. Raises Problem, OSError.

    Cut off, it begins again.
    """
    if not whose.is_due(host):
        return []
    is_new = not host.exists(state.OWN_RECORD)
    state_files.make_folder(host, state.MACHINE)
    state_files.write(host, state.ARRIVED, "")
    for path in _OLD + _OTHERS * is_new:
        host.remove(path)
    users.ensure(host, directory)
    volume.moved(host)
    _kill(host)
    number = _give_owners(host, directory[1:]) if host.root == "/" else 0
    for path in [each for each in state.FILES if host.exists(each)]:
        _restrict(host, path)
    _forget_record(host)
    host.remove(state.ARRIVED)
    return ["The state of /{} came from a backup: it is now this machine's ({} owners corrected).".format(
        state.FOLDER, number)]


def _forget_record(host: Host) -> None:
    """Replace the record by this machine's own. On a new machine it keeps what is adopted() until the first apply."""
    own = host.text(state.OWN_RECORD)
    if own:
        state_files.write(host, state.RECORD, own)
        return
    left = whose.adopted(host)
    host.remove(state.RECORD)
    if left.entries["files"]:
        state_files.write(host, state.LEFT, record.dumps(left))


def _give_owners(host: Host, directory: str) -> int:
    number = owners.give(host, state.FOLDER, _state_owner)
    if host.exists(directory):
        number += owners.give(host, directory, lambda _: ("vmail", "vmail"))
    return number


def _kill(host: Host) -> None:
    if services.managed() and host.root == "/":
        for unit in _UNITS:
            with contextlib.suppress(Failed):   # it does not run
                host.run(["systemctl", "kill", "--signal=KILL", unit])


def _state_owner(path: str) -> Tuple[str, str]:
    permissions = state.permissions(path)
    return permissions.owner, permissions.group


def _restrict(host: Host, path: str) -> None:
    """Give a file of the state its mode, if another one came along."""
    file = host.file(path)
    if file and file.mode != state.FILES[path].mode:
        host.write(path, file._replace(mode=state.FILES[path].mode))
