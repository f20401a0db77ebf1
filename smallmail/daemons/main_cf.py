"""Postfix's two configuration files: where they are and how Postfix reads them (postconf(5), master(5))."""
import re
from collections import OrderedDict
from typing import Dict, Iterator, List, Optional  # noqa: F401 (in a type comment)

MAIN = "etc/postfix/main.cf"
MASTER = "etc/postfix/master.cf"

# The admin's own lines for both, which smallmail merges last.
LOCAL_MAIN = "etc/smallmail/local/postfix/main.cf"
LOCAL_MASTER = "etc/smallmail/local/postfix/master.cf"

# What Postfix takes for white space. A no-break space, or a line separator of Unicode, is a character like any other.
_BLANKS = " \t\n\v\f\r"


def logical_lines(text: str) -> Iterator[str]:
    """Yield the logical lines of a configuration file: a line that starts with white space continues the one before
    it, also across comments and empty lines between them."""
    pending = None  # type: Optional[str]
    for line in text.split("\n"):
        bare = line.strip(_BLANKS)
        if not bare or bare.startswith("#"):
            continue
        if line[0] in _BLANKS and pending is not None:
            pending += " " + bare
            continue
        if pending is not None:
            yield pending
        pending = bare
    if pending is not None:
        yield pending


def parse_main(text: str) -> Dict[str, str]:
    """Return the parameters that a main.cf sets. Of a name that is set twice the last value counts, as in Postfix."""
    parameters = OrderedDict()  # type: Dict[str, str]
    for line in logical_lines(text):
        name, equals, value = line.partition("=")
        if equals:
            parameters[name.strip(_BLANKS)] = value.strip(_BLANKS)
    return parameters


def parse_master(text: str) -> Dict[str, str]:
    """Return the entries of a master.cf by "name/type", with single spaces."""
    services = OrderedDict()  # type: Dict[str, str]
    for line in logical_lines(text):
        words = _words(line)
        if len(words) >= 8:
            services["{}/{}".format(words[0], words[1])] = " ".join(words)
    return services


def unread(main: str, master: str) -> List[str]:
    """Return the lines that are neither a parameter nor an entry, and which the two functions above skip."""
    return ([line for line in logical_lines(main) if "=" not in line]
            + [line for line in logical_lines(master) if len(_words(line)) < 8])


def _words(line: str) -> List[str]:
    """Split an entry of master.cf, but keep `{ … }` in one piece (Postfix 3.0)."""
    words = []  # type: List[str]
    depth = 0
    for word in re.findall("[^{}]+".format(_BLANKS), line):
        if depth:
            words[-1] += " " + word
        else:
            words.append(word)
        depth += word.count("{") - word.count("}")
    return words
