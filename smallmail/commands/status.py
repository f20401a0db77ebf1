"""What was carried out of larger files: see the names below."""
import argparse

from smallmail.check import status as check_status
from smallmail.commands.telling import Told
from smallmail.machine.host import Host
from smallmail.settings import store


def status(host: Host, _: argparse.Namespace) -> Told:
    """One screen; exit code 1 when something is not as it should be."""
    state = check_status.gather(host, store.load(host))
    return check_status.screen(state), state.data, 1 if state.found else 0
