"""The format of smallmail.conf: ConfigObj reads it, and it is changed line by line so that comments stay. Pure."""
import re
from typing import Any, Dict, List, Optional, Tuple

from smallmail.errors import Problem
from smallmail.settings import fields, idn

# A line that names a secret, in any spelling, up to its value. (A quoted name ends with its quote.)
_SECRET = re.compile(r"""(?i)(.*?(?:{})["']?\s*[=:]?)\s*(\S.*)""".format("|".join(
    name.replace("-", "[-_ ]?") for name, field in fields.FIELDS.items() if field.secret)))
_TRIPLE_QUOTES = (3 * "'", 3 * '"')


def parse(text: str) -> Dict[str, str]:
    """Return the keys and values of a settings file. Raises Problem for bad syntax, unknown keys and sections."""
    config = _config(text)
    if config.sections:
        raise Problem("/{}: section [{}] must go: this file has no sections"
                      .format(fields.PATH, config.sections[0]))
    for name in config.scalars:
        try:
            fields.known(name)
        except Problem as error:
            raise Problem("/{}: {}".format(fields.PATH, error))
    return {name: _joined(config[name]) for name in config.scalars}


def edit(text: str, changes: Dict[str, str]) -> str:
    """Return the settings file with some values changed; every comment and every other line stays as it is."""
    config, lines = _config(text), text.splitlines()
    for name, value in changes.items():
        fields.known(name)
        line = _line(name, value, config.inline_comments.get(name))
        # A default is in the file as a comment below its explanation: the value belongs there.
        set_already = r"\s*[\"']?{}[\"']?\s*=" if name in config.scalars else r"#[ \t]*{}[ \t]*="
        where = [number for number, old in enumerate(lines) if re.match(set_already.format(re.escape(name)), old)]
        if where:
            lines[where[0]] = line
        else:
            lines.append(line)
    return "".join(line + "\n" for line in lines)


def with_former_names(text: str) -> Tuple[str, Dict[str, str]]:
    """Replace the names that a version before IDNA 2008 encoded in another way, so that they go on meaning the same.
    Returns the text of the file, and the changed settings."""
    values = parse(text)
    changes = {name: idn.former_names(value) for name, value in values.items() if name in idn.SETTINGS}
    changes = {name: value for name, value in changes.items() if value != values[name]}
    return edit(text, changes), changes


def _line(name: str, value: str, comment: Optional[str]) -> str:
    """Return a line as ConfigObj writes it, in quotes where it needs them."""
    config = _config("")
    config[name] = value
    config.inline_comments[name] = comment
    return str(config.write()[0])


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

    Any line that names a secret setting ends there, whether it sets it, is a comment, or is not understood; of a value
    in triple quotes all lines are left out.
    """
    lines, closing = [], ""
    for line in text.splitlines():
        if closing:
            closing = "" if closing in line else closing
            continue
        match = _SECRET.match(line)
        if match and match.group(2) != "=":     # else it is set to nothing
            line, value = match.group(1) + " (not shown)", match.group(2)
            if value[:3] in _TRIPLE_QUOTES and value[:3] not in value[3:]:
                closing = value[:3]
        lines.append(line)
    return lines


def _joined(value: Any) -> str:
    """Join what ConfigObj made a list because of unquoted commas: for us a comma is a character like any other."""
    return ", ".join(value) if isinstance(value, list) else str(value)


def _config(text: str) -> Any:
    # Here and not above: it takes half as long to load as Python takes to start, and not every verb reads settings.
    from configobj import ConfigObj, ConfigObjError  # noqa: PLC0415

    try:
        config = ConfigObj(text.splitlines(), interpolation=False, write_empty_values=True)
    except ConfigObjError as error:
        raise Problem("/{}: {}; a line has the form 'name = value'".format(fields.PATH, str(error).rstrip(".")))
    config.indent_type = "  "   # what ConfigObj writes between a value and the comment behind it
    return config
