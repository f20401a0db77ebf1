"""The command `smallmail`: prints the overview, or does the verb that was typed."""
import os
import sys

from smallmail import __version__, plain
from smallmail.commands import verbs
from smallmail.errors import EXPECTED, Problem, WrongUsage, sentence


def main(arguments: "list[str]") -> int:
    """Run one verb. Returns the exit code: 0 fine, 1 a problem or something left to do, 2 wrong usage."""
    plain.guard()
    try:
        return _main(arguments)
    except WrongUsage as error:
        print("smallmail: {}".format(error), file=sys.stderr)
        return 2
    except EXPECTED as error:
        print("smallmail: {}".format(sentence(error)), file=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        print("smallmail: interrupted", file=sys.stderr)
    return 1


def _main(arguments: "list[str]") -> int:
    while arguments[:1] == ["help"]:        # also in 'help help', which shows the overview
        arguments = [word for word in arguments[1:] if word != "--help"] + ["--help"]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(verbs.overview())
        return 0
    if arguments[0] == "--version":
        print("smallmail " + __version__)
        return 0
    if arguments in (["bans"], ["bans", "--json"]):
        arguments = ["bans", "list"] + arguments[1:]
    if arguments[0] == "backup" and not set(arguments[1:]) - {"--dry-run", "--new"}:
        arguments = ["backup", "now"] + arguments[1:]
    verbs.module(arguments[0])      # a mistake in the first word is told at once
    # The overview would wait for argparse and typing: each takes about as long to load as Python takes to start.
    from smallmail.commands.arguments import parser  # noqa: PLC0415
    from smallmail.machine.host import Host  # noqa: PLC0415

    options = parser.parse(arguments)
    if options is None:
        return 0
    if os.geteuid() != 0:
        raise Problem("only root may do this: type 'sudo smallmail {}'".format(" ".join(arguments)))
    return parser.run(Host(), options)
