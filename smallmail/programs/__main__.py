"""Choose the program by its word and report its errors: what /usr/lib/smallmail/run starts."""
import importlib
import sys
from collections import OrderedDict
from typing import List, NamedTuple

from smallmail import plain
from smallmail.errors import EXPECTED, sentence
from smallmail.machine.host import Host

Program = NamedTuple("Program", [
    ("module", str),    # in this room
    ("function", str),  # takes the host and the other arguments, returns the exit code
    ("speaker", str),   # what an error's line begins with
])

PROGRAMS = OrderedDict([
    # The maintainer scripts.
    ("configure", Program("package", "configure", "smallmail-server")),
    ("arrive", Program("package", "arrive", "smallmail-server")),
    ("triggered", Program("package", "triggered", "smallmail-server")),
    ("remove", Program("package", "remove", "smallmail-server")),
    # systemd's units.
    ("ready", Program("ready", "ready", "smallmail")),
    ("folders", Program("folders", "folders", "smallmail")),
    ("certificate", Program("certificate", "timer", "smallmail")),
    ("dkim", Program("dkim", "timer", "smallmail")),
    ("check", Program("daily", "daily", "smallmail")),
    ("backup", Program("backup", "backup", "smallmail")),
    ("learn", Program("learn", "learn", "smallmail")),
    ("bans", Program("bans", "bans", "smallmail")),
    ("packets", Program("bans", "put", "smallmail")),
    ("limits", Program("limits", "limits", "smallmail")),
    ("alarms", Program("limits", "alarms", "smallmail")),
    # Postfix.
    ("peer", Program("peer", "peer", "smallmail")),
    # certbot's hook.
    ("deploy", Program("certificate", "deploy", "smallmail")),
])


def main(arguments: List[str]) -> int:
    """Run the program that the first argument names. Returns its exit code; 1 after an error, 2 for an unknown name."""
    plain.guard()
    program = PROGRAMS.get(arguments[0] if arguments else "")
    if program is None:
        print("usage: run {} [ARGUMENT...]".format("|".join(PROGRAMS)), file=sys.stderr)
        return 2
    module = importlib.import_module("smallmail.programs." + program.module)
    try:
        return int(getattr(module, program.function)(Host(), arguments[1:]))
    except EXPECTED as error:
        print("{}: {}".format(program.speaker, sentence(error)), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
