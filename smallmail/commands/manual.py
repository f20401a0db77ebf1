"""The manual pages, made from what the program itself knows: smallmail(8) from commands/arguments/, smallmail.conf(5)
from settings/fields.py. `python3 -m smallmail.commands.manual 8` prints one as roff (groff_man(7))."""
import argparse
import sys
from collections import OrderedDict
from typing import Iterator, List, Tuple

from smallmail import __version__
from smallmail.commands import verbs
from smallmail.commands.arguments import parser
from smallmail.settings import fields

_FILES = [
    ("/etc/smallmail/smallmail.conf", "the settings, see smallmail.conf(5)"),
    ("/etc/smallmail/local/postfix/main.cf, master.cf", "your own Postfix lines, merged last"),
    ("/etc/dovecot/local.conf, /etc/rspamd/override.d/", "your own lines for Dovecot and Rspamd"),
    ("/etc/smallmail/rfc2136.ini", "your name server and its TSIG key, for 'dns publish' and acme-challenge = dns"),
    ("/etc/smallmail/backup-password", "the password of the backups: keep a copy elsewhere"),
    ("/etc/smallmail/backup.env", "what a far repository of backups needs to log in, one NAME=VALUE a line"),
    ("/var/backups/smallmail/", "the backups, unless backup-repository says otherwise"),
    ("/var/lib/smallmail/", "accounts, certificates, and the record of what was written and of what existed before"),
    ("/var/lib/smallmail/dkim/", "DKIM keys"),
    ("/usr/share/smallmail/templates/", "what the daemons' configuration is made from"),
]


def command_page() -> str:
    """Return smallmail(8)."""
    lines = _head("SMALLMAIL", 8, "smallmail \\- run your own mail server")
    lines += [".SH SYNOPSIS", ".B smallmail", ".I VERB", "[\\fIARGUMENT\\fR...]", ".SH DESCRIPTION",
              "smallmail keeps Postfix, Dovecot and Rspamd configured as its settings say. What an admin changed by"
              " hand stays as it is, and a configuration that a daemon refuses is never used.",
              ".PP", "All verbs need root, except \\fBhelp\\fR. Verbs that only read take \\fB\\-\\-json\\fR.",
              ".SH VERBS"]
    for words, page in _verbs(parser.build(all_modules())):
        lines += [".TP", ".B " + _escaped(words)]
        lines += [_escaped(line) for line in str(page.description).replace("\n\n", "\n.IP\n").splitlines()]
        for option in page._actions:
            if option.option_strings and option.dest not in ("help", "json"):
                lines += [".RS", ".TP", ".B " + _escaped(option.option_strings[0]), _escaped(str(option.help)), ".RE"]
        lines += [".IP", ".nf"] + [_escaped(line) for line in str(page.epilog).splitlines()] + [".fi"]
    lines += [".TP", ".B help \\fR[\\fIVERB\\fR...]", "Show all verbs, or explain one."]
    lines += [".SH EXIT STATUS", "0: fine. 1: a problem, or something that is left to do. 2: wrong usage.", ".SH FILES"]
    for path, what in _FILES:
        lines += [".TP", ".I " + _escaped(path), _escaped(what)]
    lines += [".SH SEE ALSO", "smallmail.conf(5), postconf(5), doveconf(1), rspamadm(1)"]
    return "\n".join(lines) + "\n"


def all_modules() -> List[str]:
    """Return the modules that have the verbs' arguments, in the order of the table, each once."""
    return list(OrderedDict.fromkeys(verbs.module(verb[0]) for verb in verbs.VERBS))


def settings_page() -> str:
    """Return smallmail.conf(5)."""
    lines = _head("SMALLMAIL.CONF", 5, "smallmail.conf \\- settings of smallmail")
    lines += [".SH DESCRIPTION",
              "Each line has the form \\fIname\\fR = \\fIvalue\\fR; a line that starts with # is a comment. After a "
              "change \\fBsmallmail plan\\fR shows what it would do and \\fBsmallmail apply\\fR does it; "
              "\\fBsmallmail set\\fR \\fIname\\fR=\\fIvalue\\fR does all three.", ".SH SETTINGS"]
    for field in fields.FIELDS.values():
        lines += [".TP", ".B " + _escaped(field.name), _escaped(field.doc)]
        lines += [".br", "Default: " + (_escaped(field.default) or "none") + "."]
    lines += [".SH SEE ALSO", "smallmail(8)"]
    return "\n".join(lines) + "\n"


def _head(title: str, section: int, name: str) -> List[str]:
    return ['.TH {} {} "" "smallmail {}"'.format(title, section, __version__), ".SH NAME", name]


def _verbs(above: argparse.ArgumentParser, before: str = "") -> Iterator[Tuple[str, argparse.ArgumentParser]]:
    """Yield every verb with its arguments as they are typed, and its parser."""
    for action in above._subparsers._group_actions if above._subparsers else []:
        for name, child in action.choices.items():  # type: ignore[union-attr]
            if child._subparsers:
                yield from _verbs(child, before + name + " ")
            else:
                usage = child.format_usage().split()
                arguments = [word for word in usage[usage.index(name) + 1:] if word not in ("[-h]", "[--json]")]
                yield before + " ".join([name] + arguments), child


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


if __name__ == "__main__":
    print(command_page() if sys.argv[1] == "8" else settings_page(), end="")
