"""The type of the values that say what smallmail knows of one daemon."""
from typing import Callable, Container, Dict, Iterable, NamedTuple, Tuple

from smallmail.daemons.listening import Port
from smallmail.machine.host import Host

# All paths are without the leading slash, as Host has them.
Daemon = NamedTuple("Daemon", [
    ("name", str),                      # its overlays are the folders templates/NAME-VERSION
    ("unit", str),                      # systemd's, without ".service"
    ("own_unit", bool),                 # smallmail-server brings the unit
    ("package", str),                   # its version decides which overlays fit; "" for a daemon without overlays
    ("sources", Tuple[str, ...]),       # the source packages whose security updates matter to it
    # What it listens on.
    ("ports", Tuple[Port, ...]),
    ("sockets", Dict[str, str]),        # the unix sockets on which it must answer: the name for people, the path
    ("patience", float),                # after a start it must answer within so many seconds
    ("programs", Tuple[str, ...]),      # full paths, or their beginnings, of the programs that hold its ports
    ("unit_files", Tuple[str, ...]),    # our files besides its drop-ins that it reads when it starts
    ("socket_units", Tuple[str, ...]),  # the units by which systemd may hold them for it
    # Its configuration.
    ("folders", Tuple[str, ...]),       # whole folders: they are copied to the stage, where it judges them
    ("other_files", Tuple[str, ...]),   # single files that it reads besides
    ("permissions", Dict[str, Tuple[int, str, str]]),   # mode, owner, group of files; else 0644 root:root
    ("judge", Callable[[Host], None]),  # raises Failed if the daemon does not accept the staged configuration
    ("explain", Callable[[Host], str]),     # says which file keeps it from answering; "" if none does
    # Patterns (fnmatch(3)) of files and Postfix parameters: after a change of these a reload is not enough.
    ("restart_for", Tuple[str, ...]),
    ("stop_for", Tuple[str, ...]),      # patterns of files: it must not run while these change
    # What an admin has there.
    ("admins_folders", Tuple[str, ...]),    # where an admin's own files for it are
    ("reads", Callable[[str], bool]),       # whether it reads an admin's file of that path
    ("admins_files", Callable[[str], Iterable[str]]),   # the files that an admin made or changed below that root folder
    # Whether an admin's file acts against our files, which are the second argument.
    ("acts_against", Callable[[str, Container[str]], bool]),
    # What Debian's package put there.
    ("stock_folder", str),              # where the package keeps a copy of each; "" if it has none
    ("uses_ucf", bool),                 # it registers them with ucf(1)
])


def _nothing(_: Host) -> None:
    """Accept every configuration."""


# A daemon of which nothing is known: the values of the real ones say only what differs.
UNKNOWN = Daemon(
    name="", unit="", own_unit=False, package="", sources=(), ports=(), sockets={}, patience=15.0, programs=(),
    unit_files=(), socket_units=(), folders=(), other_files=(), permissions={}, judge=_nothing, explain=lambda _: "",
    restart_for=(), stop_for=(), admins_folders=(), reads=lambda _: False, admins_files=lambda _: (),
    acts_against=lambda _, __: False,
    stock_folder="", uses_ucf=False)


def stock_path(daemon: Daemon, path: str) -> str:
    """Return where Debian's package keeps its own copy of that file below /etc; "" if it keeps none."""
    for folder in daemon.folders:
        if daemon.stock_folder and path.startswith(folder + "/"):
            return daemon.stock_folder + path[len(folder):]
    return ""
