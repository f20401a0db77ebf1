"""How a verb describes its arguments: argparse, with one sentence for a mistake and pages of 80 columns.

A module's `arguments(verbs)` adds its verbs to the `Verbs` that it is given: see user.py for a group of actions, and
state.py for single verbs. The function that does the work is only named ("accounts.user_add" is user_add() of
commands/accounts.py), and loaded when it is needed.
"""
import argparse
import importlib
from typing import Any, Callable, List, Optional, Tuple

from smallmail import errors
from smallmail.commands import verbs
from smallmail.errors import WrongUsage
from smallmail.machine.host import Host

# What a reading verb returns: its text, the same as data for --json, its exit code.
Told = Tuple[str, Any, int]


def parse(arguments: List[str]) -> Optional[argparse.Namespace]:
    """Return what was typed, to be given to run(); None when a page of help was printed instead.

    Raises WrongUsage.
    """
    top = build([verbs.module(arguments[0])])
    try:
        options, rest = top.parse_known_args(arguments)
    except SystemExit:      # argparse has printed the page that --help asks for
        return None
    for word in rest:
        options.page.too_much(word)
    return options


def run(host: Host, options: argparse.Namespace) -> int:
    """Do what was typed. Returns the exit code, and raises what the work raises."""
    done = work(options.work)(host, options)
    if not options.is_reading:
        return int(done)
    text, data, code = done
    print(as_json(data) if options.json else text)
    return int(code)


def work(name: str) -> Any:
    """Return the function that does the work."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module("smallmail.commands." + module), function)


def build(modules: List[str]) -> "Parser":
    """Return the parser with the verbs of these modules."""
    top = Parser(prog="smallmail")
    found = Verbs(top, "VERB")
    for name in modules:
        importlib.import_module(name).arguments(found)
    return top


def word(check: Callable[[str], str]) -> Callable[[str], str]:
    """Return what argparse takes as an argument's type: the check, whose sentence is told as it is."""
    def checked(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error))
    return checked


def number(text: str) -> int:
    """Return the number of a configuration that was typed. Raises argparse.ArgumentTypeError."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError("'{}' is not a number: 'smallmail history' shows the numbers".format(text))
    return int(text)


class Page(argparse.HelpFormatter):
    """A page of help in 80 columns; words stay whole, and so do examples, which are indented."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=80)

    def _split_lines(self, text: str, width: int) -> List[str]:
        return _wrapped(text, width, "")

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = [part if part.startswith("Example") else "\n".join(_wrapped(part, width, indent))
                      for part in text.split("\n\n")]
        return "\n\n".join(paragraphs)


class Parser(argparse.ArgumentParser):
    """Tells a mistake in one sentence with what to type, instead of argparse's usage and error."""

    def __init__(self, **given: Any) -> None:
        super().__init__(formatter_class=Page, **given)
        self.color = False      # Python 3.14 would put colours into sentences

    def usage_line(self) -> str:
        """Return how the verb is typed, in one line."""
        return " ".join(self.format_usage().split()[1:]).replace(" [-h]", "")

    def error(self, message: str) -> Any:
        """Raise WrongUsage in place of argparse's own ending."""
        subject, _, rest = message.partition(": ")
        if subject.startswith("argument ") and not subject.startswith("argument -"):
            raise WrongUsage(rest)      # the sentence of the argument's own check, which says what to type
        if subject == "the following arguments are required":
            if self._actions_typed():
                raise WrongUsage("an action is missing: type {}".format(self._actions_typed()))
            names = rest.split(", ")
            message = "{} {} missing".format(" and ".join(names), "is" if len(names) == 1 else "are")
        elif subject.startswith("argument "):
            message = self._about_option(subject.partition(" ")[2], rest)
        raise WrongUsage("{}: type '{}'".format(message, self.usage_line()))

    def _about_option(self, name: str, message: str) -> str:
        if message.startswith("ignored explicit argument"):
            return "{} takes no value".format(name)
        metavar = next(action.metavar for action in self._actions if name in action.option_strings)
        return "{} needs {}".format(name, "a value" if isinstance(metavar, str) else " and ".join(metavar or ()))

    def _actions_typed(self) -> str:
        """Return the actions of a group as they are typed: 'smallmail user add', 'passwd' or 'list'; else ""."""
        found = [list(action.choices) for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        if not found:
            return ""
        words = ["'{}'".format(name) for name in ["{} {}".format(self.prog, found[0][0])] + found[0][1:]]
        return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

    def too_much(self, text: str) -> None:
        """Raise WrongUsage for a word that the verb does not take."""
        if text.startswith("-"):
            options = [name for action in self._actions for name in action.option_strings]
            raise errors.no_such("option", text, options, "type '{}'".format(self.usage_line()))
        self.error("'{}' is one word too many".format(text))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            raise errors.no_such("action", value, list(action.choices), "type {}".format(self._actions_typed()))
        super()._check_value(action, value)


class Verbs:
    """The verbs of smallmail itself, or the actions of a group such as `user`."""

    def __init__(self, parser: Parser, metavar: str) -> None:
        self._found = parser.add_subparsers(title="actions", metavar=metavar, dest="verb")
        self._found.required = True

    def group(self, name: str, what: str) -> "Verbs":
        """Add a group and return its actions, to be filled."""
        actions = next(verb[3] for verb in verbs.VERBS if verb[0] == name)
        return Verbs(self._found.add_parser(name, description=what), "|".join(actions))

    def changing(self, name: str, work: str, what: str, *examples: str) -> Parser:
        """Add a verb that changes something, and return its parser. Its one-line help is the first sentence.

        The work takes the host and what was typed, and returns the exit code.
        """
        first = what.partition(". ")[0].rstrip(".") + "."
        page = self._found.add_parser(name, help=first, description=what, epilog=_examples(examples))
        page.set_defaults(work=work, is_reading=False, page=page)
        return page

    def reading(self, name: str, work: str, what: str, *examples: str) -> Parser:
        """Add a verb that changes nothing: its work returns what is `Told`, and --json prints the data."""
        page = self.changing(name, work, what, *examples)
        page.set_defaults(is_reading=True)
        page.add_argument("--json", action="store_true", help="print the data for programs")
        return page


def as_json(data: Any) -> str:
    """Return the data as programs read it."""
    import json  # noqa: PLC0415 (people do not ask for it)

    return json.dumps(data, indent=2, ensure_ascii=False)


def _examples(lines: Tuple[str, ...]) -> str:
    return "\n  ".join(["Example:" if len(lines) == 1 else "Examples:"] + list(lines))


def _wrapped(text: str, width: int, indent: str) -> List[str]:
    import textwrap  # noqa: PLC0415 (only pages of help are wrapped)

    return textwrap.wrap(" ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent,
                         break_long_words=False, break_on_hyphens=False)
