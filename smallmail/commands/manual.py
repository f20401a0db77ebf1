"""The manual pages, made from what the program itself knows: smallmail(8) from its verbs, smallmail.conf(5) from the
table of settings. `python3 -m smallmail.manual 8` prints one as roff (groff_man(7))."""
import argparse
import sys
from typing import Iterator, List, Tuple

from smallmail import __version__
from smallmail.commands import cli
from smallmail.settings import fields

_FILES = [
    ("/etc/smallmail/smallmail.conf", "the settings, see smallmail.conf(5)"),
    ("/etc/smallmail/local/postfix/main.cf, master.cf", "your own Postfix lines, merged last"),
    ("/etc/dovecot/local.conf, /etc/rspamd/override.d/", "your own lines for Dovecot and Rspamd"),
    ("/etc/smallmail/rfc2136.ini", "your name server and its TSIG key, for 'dns publish' and acme-challenge = dns"),
    ("/var/lib/smallmail/", "accounts, certificates, and the record of what was written and of what stood before"),
    ("/var/lib/rspamd/dkim/", "DKIM keys"),
    ("/usr/share/smallmail/templates/", "what the daemons' configuration is made from"),
]


def command_page() -> str:
    """smallmail(8)."""
    lines = _head("SMALLMAIL", 8, "smallmail \\- run one's own mail server")
    lines += [".SH SYNOPSIS", ".B smallmail", ".I VERB", "[\\fIARGUMENT\\fR...]", ".SH DESCRIPTION",
              "smallmail keeps Postfix, Dovecot and Rspamd configured as its settings say. It changes nothing that an"
              " admin changed by hand, and whatever the daemons refuse never goes live.",
              ".PP", "All verbs are for root. Reading verbs take \\fB\\-\\-json\\fR.", ".SH VERBS"]
    for words, parser in _verbs(cli.parser()):
        lines += [".TP", ".B " + _escaped(words)]
        lines.append(_escaped(str(parser.description)))
        for option in parser._actions:
            if option.option_strings and option.dest not in ("help", "json"):
                lines += [".RS", ".TP", ".B " + _escaped(option.option_strings[0]), _escaped(str(option.help)), ".RE"]
    lines += [".SH EXIT STATUS", "0: fine. 1: a problem, or (plan) something to do. 2: wrong usage.", ".SH FILES"]
    for path, what in _FILES:
        lines += [".TP", ".I " + _escaped(path), _escaped(what)]
    lines += [".SH SEE ALSO", "smallmail.conf(5), postconf(5), doveconf(1), rspamadm(1)"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """smallmail.conf(5)."""
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


def _verbs(parser: argparse.ArgumentParser, before: str = "") -> Iterator[Tuple[str, argparse.ArgumentParser]]:
    """Every verb with its arguments as they are typed, and its parser."""
    for action in parser._subparsers._group_actions if parser._subparsers else []:
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
