"""The words in which a configuration is spoken of: files, Postfix parameters, Postfix services."""
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

# A service that is not to be there, although it stood there before us.
OFF = ""


def joined(first: Dict[str, Any], second: Dict[str, Any]) -> Dict[str, Any]:
    """Both together, in this order; of a name that both have the first one's."""
    both = OrderedDict(first)
    for name in sorted(second):
        both.setdefault(name, second[name])
    return both


def empty() -> Tree:
    """A tree with nothing in it."""
    return Tree(OrderedDict(), OrderedDict(), OrderedDict())
