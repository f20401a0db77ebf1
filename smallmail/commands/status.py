"""What was carried out of larger files: see the names below."""
import argparse

from smallmail.check import status as check_status
from smallmail.commands.telling import Told
from smallmail.machine.host import Host
from smallmail.settings import store


def status(host: Host, _: argparse.Namespace) -> Told:
    """One screen; exit code 1 when something is not as it should be."""
    state = check_status.gather(host, store.load(host))
    state["problems"] = check_status.problems(state)
    return check_status.screen(state), state, 1 if state["problems"] else 0
