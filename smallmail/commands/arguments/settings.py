"""The arguments of `smallmail show` and `smallmail set`."""
from smallmail.commands.arguments.parser import Verbs


def arguments(verbs: Verbs) -> None:
    """Add both verbs."""
    showing = verbs.reading("show", "show.show", "Show all settings, or those that are named. smallmail.conf(5)"
                            " explains them.", "smallmail show", "smallmail show hostname domain")
    showing.add_argument("names", nargs="*", metavar="NAME", help="the name of a setting; if omitted, all")
    setting = verbs.changing("set", "set.set_", "Change settings and apply them. When a daemon refuses the result,"
                             " nothing is changed. For a secret, type 'NAME=': you are then asked for the value.",
                             "smallmail set message-size-limit=100M", "smallmail set resolver=local greylisting=no",
                             "smallmail set relay-password=")
    setting.add_argument("changes", nargs="+", metavar="NAME=VALUE",
                         help="a setting and its new value; 'NAME=' returns to the default (a secret is asked for)")
    setting.add_argument("--password-stdin", action="store_true",
                         help="read the value of a secret, given as 'NAME=', from standard input")
