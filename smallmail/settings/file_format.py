"""The settings file's text: its settings, changed line by line so that comments stay, and without its secrets for
people. file_reader.py reads it. Pure."""
import re
from typing import Dict, List, Tuple

from smallmail.errors import Problem
from smallmail.settings import fields, file_reader, idn

_SECRETS = [name for name, field in fields.FIELDS.items() if field.secret]
# The name of a secret setting in any spelling, with what is before and behind it.
_NAMED = re.compile(r"""(?i)(.*?)((?:{})["']?\s*[=:]*)\s*(.*)""".format("|".join(
    name.replace("-", "[-_ ]?") for name in _SECRETS)))
_OTHER = re.compile(r"[\s#;]*(?:{})\s*=".format("|".join(name for name in fields.FIELDS if name not in _SECRETS)))
_TRIPLE_QUOTES = (3 * "'", 3 * '"')
_NOT_SHOWN = "(not shown)"


def parse(text: str) -> Dict[str, str]:
    """Return the keys and values of a settings file. Raises Problem for bad syntax, unknown keys and sections."""
    found = file_reader.read(text)
    if found.mistakes:
        raise Problem("/{}: {}".format(fields.PATH, found.mistakes[0]))
    for entry in found.entries:
        try:
            fields.known(entry.name)
        except Problem as error:
            raise Problem("/{}: {}".format(fields.PATH, error))
    return {entry.name: entry.value for entry in found.entries}


def edit(text: str, changes: Dict[str, str]) -> str:
    """Return the settings file with some values changed; every comment and every other line stays as it is."""
    lines = [[line] for line in text.splitlines()]
    entries = {entry.name: entry for entry in file_reader.read(text).entries}
    for name, value in changes.items():
        fields.known(name)
        if name in entries:
            entry = entries[name]
            lines[entry.first:entry.end] = [[_line(name, value, entry.comment)]] + [[]] * (entry.end - entry.first - 1)
            continue
        # A default is in the file as a comment below its explanation: the value belongs there.
        default = re.compile(r"#[ \t]*{}[ \t]*=".format(re.escape(name)))
        where = next((number for number, old in enumerate(lines) if old and default.match(old[0])), None)
        if where is None:
            lines.append([_line(name, value, "")])
        else:
            lines[where] = [_line(name, value, "")]
    return "".join(line + "\n" for kept in lines for line in kept)


def with_former_names(text: str) -> Tuple[str, Dict[str, str]]:
    """Replace the names that a version before IDNA 2008 encoded in another way, so that they go on meaning the same.
    Returns the text of the file, and the changed settings."""
    values = parse(text)
    changes = {name: idn.former_names(value) for name, value in values.items() if name in idn.SETTINGS}
    changes = {name: value for name, value in changes.items() if value != values[name]}
    return edit(text, changes), changes


def _line(name: str, value: str, comment: str) -> str:
    """Return a line that sets a value, in quotes where it needs them. Raises Problem if no quotes fit."""
    return "{} = {}".format(name, _quoted(name, value)).rstrip() + ("  " + comment if comment else "")


def _quoted(name: str, value: str) -> str:
    if value == value.strip() and not re.search(r"[,#'\"]", value):
        return value
    for quote in ('"', "'") + _TRIPLE_QUOTES:
        quoted = quote + value + quote
        if file_reader.read("x = " + quoted) == file_reader.Read([file_reader.Entry("x", value, "", 0, 1)], []):
            return quoted
    raise Problem("{}: the value has quotes of all kinds in it: use another value".format(name))


def default_text() -> str:
    """Return the file as it is first written: every setting explained, each default as a comment."""
    lines = [
        "# smallmail's settings; smallmail.conf(5) explains the format.",
        "# After a change: 'smallmail plan' shows what it would do, 'smallmail apply' does it.",
    ]
    for field in fields.FIELDS.values():
        lines += [""] + ["# " + line for line in wrap(field.doc)] + ["# {} = {}".format(field.name, field.default)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def wrap(text: str, width: int = 98) -> List[str]:
    """Return the text in lines of at most that many characters, broken at spaces."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = (lines[-1] + " " + word).strip()
    return lines


def without_secrets(text: str) -> List[str]:
    """Return the lines of a settings file, to be shown to people, with "(not shown)" instead of each secret.

    Of a secret setting all lines of its value are left out, of any other line what follows the name of a secret
    setting. In comments, and in lines that are not understood, what comes before the name or in the next lines may be
    the secret, too.
    """
    lines = text.splitlines()
    owners = {number: entry for entry in file_reader.read(text).entries for number in range(entry.first, entry.end)}
    shown, goes_on, closing = [], False, ""     # type: List[str], bool, str
    for number, line in enumerate(lines):
        entry = owners.get(number)
        if entry:
            goes_on, closing = entry.name in _SECRETS, ""
            if entry.name not in _SECRETS or number == entry.first:
                shown.append(_of_setting(line, entry))
            continue
        named = _NAMED.match(line)
        if closing:
            closing = "" if closing in line else closing
        elif named:
            shown.append(_of_comment(line, *named.groups()))
            goes_on = True
            opened = named.group(3)[:3]
            closing = opened if opened in _TRIPLE_QUOTES and opened not in named.group(3)[3:] else ""
        else:
            is_comment_below = number - 1 in owners and line.lstrip().startswith("#")
            goes_on = goes_on and bool(line.strip()) and not is_comment_below and not _OTHER.match(line)
            if not goes_on:
                shown.append(line)
            elif not shown[-1].endswith(_NOT_SHOWN):
                shown.append("# " + _NOT_SHOWN)
    return shown


def _of_setting(line: str, entry: file_reader.Entry) -> str:
    """Return a line of a setting, without a secret in its value or in the comment behind it."""
    if entry.name in _SECRETS:
        if not entry.value and not entry.comment:
            return line
        return "{}= {}".format(line.partition("=")[0], _NOT_SHOWN)
    named = _NAMED.match(line)
    return "{}{} {}".format(named.group(1), named.group(2), _NOT_SHOWN) if named and named.group(3) else line


def _of_comment(line: str, before: str, name: str, behind: str) -> str:
    """Return a line that names a secret setting and is not a setting."""
    if re.search(r"\w", before):
        return "# " + _NOT_SHOWN
    return "{}{} {}".format(before, name, _NOT_SHOWN) if behind else line
