"""`smallmail status`: the state of the host on one screen."""
import argparse

from smallmail.check import status as check_status
from smallmail.commands.arguments.parser import Told
from smallmail.machine.host import Host
from smallmail.settings import store


def status(host: Host, _: argparse.Namespace) -> Told:
    """Return the screen; the exit code is 1 when there is a problem."""
    state = check_status.gather(host, store.load(host))
    return check_status.screen(state), state.data, 1 if state.found else 0
