"""The arguments of `smallmail plan`, `apply`, `history` and `rollback`."""
from smallmail.commands.arguments.parser import Verbs, number

_NUMBER = "a number that 'smallmail history' shows"


def arguments(verbs: Verbs) -> None:
    """Add the four verbs."""
    verbs.reading("plan", "configuration.plan_", "Show what 'apply' would change, as a diff. The exit code is 1 when"
                  " there is something to do.", "smallmail plan")
    applying = verbs.changing("apply", "configuration.apply_", "Make the host match the settings. What was changed"
                              " by hand stays as it is.", "smallmail apply",
                              "smallmail apply --replace /etc/mailname")
    applying.add_argument("--replace", action="append", default=[], metavar="NAME", help="write smallmail's own version"
                          " of a file (its path), parameter or service that was changed by hand; may be repeated")
    telling = verbs.reading("history", "configuration.history_", "Show the last ten configurations and what caused"
                            " each. With a number: how that one differs from the one before it. The secrets in"
                            " smallmail.conf are hidden, but your own Postfix lines are shown in full.",
                            "smallmail history", "smallmail history 12")
    telling.add_argument("number", nargs="?", type=number, metavar="N", help=_NUMBER)
    back = verbs.changing("rollback", "configuration.rollback", "Return to an earlier configuration: to its settings"
                          " and to your own Postfix lines of that time. Without a number: one step back; each further"
                          " 'rollback' goes one step further back. What it returns from is kept: 'rollback' with that"
                          " number takes a rollback back.",
                          "smallmail rollback", "smallmail rollback 12")
    back.add_argument("number", nargs="?", type=number, metavar="N", help=_NUMBER)
