"""The verbs of `smallmail` in one table: what the overview shows, and which module has the arguments.

The overview and a wrong first word need no more than this, so neither argparse nor typing is loaded here: each takes
about as long to load as Python takes to start.
"""
from smallmail import errors

# The verb; the module of arguments/ that has its arguments; what it is about; of a group its actions.
VERBS = (
    ("status", "state", "Show the state of this host on one screen.", ()),
    ("check", "state", "Find what is wrong, why it matters and what to type.", ()),
    ("show", "settings", "Show the settings.", ()),
    ("set", "settings", "Change settings and apply them.", ()),
    ("plan", "configuration", "Show what 'apply' would change, as a diff.", ()),
    ("apply", "configuration", "Make the host match the settings.", ()),
    ("history", "configuration", "Show the last ten configurations and what caused each.", ()),
    ("rollback", "configuration", "Return to an earlier configuration.", ()),
    ("domain", "domain", "Mail domains", ("add", "remove", "list")),
    ("user", "user", "Mailboxes", ("add", "passwd", "remove", "restore", "disable", "enable", "limit", "list")),
    ("alias", "alias", "Addresses that deliver to others", ("add", "remove", "list")),
    ("bans", "bans", "Addresses that are kept out", ("list", "add", "lift", "never")),
    ("queue", "queue", "The mail that waits", ("list", "retry", "hold", "release", "drop")),
    ("backup", "backup", "Backups of all that makes this server", ("now", "status", "list")),
    ("restore", "restore", "What comes back from a backup", ("server", "mailbox")),
    ("certificate", "certificate", "The host's TLS certificate", ("status", "obtain")),
    ("dns", "dns", "DNS records of the host and its domains", ("show", "check", "publish")),
    ("dkim", "dkim", "The keys that sign outgoing mail", ("list", "rotate")),
)

_COLUMNS = 80

_HEAD = """\
Run your own mail server: settings, mailboxes, state.

usage: smallmail VERB [ARGUMENT...]
"""
_FOOT = """\
'smallmail help VERB' explains a verb, smallmail(8) all of them.

Examples:
  smallmail status
  smallmail user add bob@example.org
  smallmail help check"""


def overview() -> str:
    """Return what `smallmail --help` prints: every verb on one line, its actions where it has some."""
    return "\n".join([_HEAD] + [_short("  {:<12} {}".format(word, about(word))) for word, _, _, _ in VERBS]
                     + ["", _FOOT])


def _short(line: str) -> str:
    """Leave out the last actions of a verb that has too many for a line."""
    while len(line) > _COLUMNS:
        line = line.rstrip(" ….,").rpartition(", ")[0] + ", …"
    return line


def about(word: str) -> str:
    """Return the verb's line of the overview."""
    _, _, what, actions = _found(word)
    return "{}: {}.".format(what, ", ".join(actions)) if actions else what


def module(word: str) -> str:
    """Return the name of the module that has the verb's arguments. Raises WrongUsage for a word that is not a verb."""
    return "smallmail.commands.arguments." + _found(word)[1]


def _found(word: str) -> "tuple[str, str, str, tuple[str, ...]]":
    for verb in VERBS:
        if verb[0] == word:
            return verb
    if word.startswith("-"):
        raise errors.no_such("option", word, ["--help", "--version"], "type 'smallmail help'")
    raise errors.no_such("verb", word, [verb[0] for verb in VERBS] + ["help"], "'smallmail help' shows all verbs")
