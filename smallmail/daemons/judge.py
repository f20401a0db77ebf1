"""Ask a daemon whether it accepts a staged configuration."""
from smallmail.daemons.daemon import Daemon
from smallmail.errors import Problem
from smallmail.machine.host import Failed, Host


class Refused(Problem):
    """A daemon does not accept a configuration; the message is the daemon's own."""

    def __init__(self, daemon: Daemon, message: str) -> None:
        super().__init__(message)
        self.daemon = daemon


def judge(stage: Host, daemon: Daemon) -> None:
    """Let the daemon judge the staged configuration; its judge may adapt paths in it to the stage. Raises Refused with
    the daemon's message, in which paths are those of the live files."""
    if not any(stage.exists(folder) for folder in daemon.folders):
        return
    try:
        daemon.judge(stage)
    except Failed as error:
        raise Refused(daemon, str(error).replace(stage.root + "/", "/"))
