"""The arguments of `smallmail show` and `smallmail set`."""
from smallmail.commands.arguments.parser import Verbs


def arguments(verbs: Verbs) -> None:
    """Add both verbs."""
    showing = verbs.reading("show", "show.show", "Show all settings, or those that are named. smallmail.conf(5)"
                            " explains them.", "smallmail show", "smallmail show hostname domain")
    showing.add_argument("names", nargs="*", metavar="KEY", help="a setting's name; without one, all")
    setting = verbs.changing("set", "set.set_", "Change settings and apply them. When a daemon refuses the result,"
                             " nothing is changed. A secret is typed as 'KEY=', and asked for at the terminal.",
                             "smallmail set message-size-limit=100M", "smallmail set resolver=local greylisting=no",
                             "smallmail set relay-password=")
    setting.add_argument("changes", nargs="+", metavar="KEY=VALUE",
                         help="a setting and its new value; 'KEY=' returns to the default")
    setting.add_argument("--password-stdin", action="store_true",
                         help="read the value of a secret given as 'KEY=' from standard input")
