"""The form of a configuration: files, Postfix parameters, Postfix services."""
from collections import OrderedDict
from typing import Any, Dict, NamedTuple

from smallmail.machine.file import File

# `files` by path without the leading slash; `parameters` of main.cf by name; `services` of master.cf by "name/type",
# each a whole entry on one line.
Tree = NamedTuple("Tree", [
    ("files", Dict[str, File]),
    ("parameters", Dict[str, str]),
    ("services", Dict[str, str]),
])

# A service that must not exist, although it existed before smallmail.
OFF = ""


def joined(first: Dict[str, Any], second: Dict[str, Any]) -> Dict[str, Any]:
    """Join two dictionaries, the first before the second. Of a name that both have, the first one's value counts."""
    both = OrderedDict(first)
    for name in sorted(second):
        both.setdefault(name, second[name])
    return both


def empty() -> Tree:
    """Return a tree with nothing in it."""
    return Tree(OrderedDict(), OrderedDict(), OrderedDict())
