"""The names of folders in users' Sieve scripts, in both layouts (RFC 5228); and what scripts require. Pure.

Up to 0.4.0 a dot separated the levels of a folder's name, so `fileinto "Lists.Debian"` files into the folder that is
called "Lists/Debian" today. A script that still had the dot would file into another folder, which does not exist, and
Dovecot would put the message into INBOX.

Only strings that name a folder change: the arguments of the commands and tests in _FOLDERS, and what `set` gives to a
variable that such an argument contains. The value of any other variable is not known before a message comes.
"""
import re
from typing import Callable, Iterator, List, NamedTuple, Set

Token = NamedTuple("Token", [
    ("kind", str),      # "word", "tag", "string", or the token itself
    ("start", int),     # where it is in the script
    ("end", int),
])

# Of each, which of the strings name a folder.
_FIRST, _LAST, _ALL = slice(0, 1), slice(-1, None), slice(None)
_FOLDERS = {b"fileinto": _LAST, b"mailboxexists": _ALL, b"metadata": _FIRST, b"metadataexists": _FIRST}

# Tags that are followed by a string which does not name a folder (RFC 5228, 2.7.3; RFC 5231; RFC 5232; RFC 8579).
_TAGS_WITH_STRING = (b":comparator", b":value", b":count", b":flags", b":specialuse", b":mailboxid")

# What is not closed ends with the script: an attempt for each beginning would take hours in a script made for that.
_TOKEN = re.compile(
    rb"""(?P<blank>\s+|\#[^\n]*|/\*.*?(?:\*/|\Z))
       | (?P<text>text:[ \t]*(?:\#[^\n]*)?\r?\n.*?(?:(?<=\n)\.\r?(?:\n|\Z)|\Z))
       | (?P<string>"(?:[^"\\]|\\.)*(?:"|\\?\Z))
       | (?P<tag>:\w+)
       | (?P<word>\w+)
       | (?P<other>.)""", re.DOTALL | re.VERBOSE)

_VARIABLE = re.compile(rb"\$\{\s*(\w+)\s*\}")
_OUTSIDE = re.compile(rb"(\$\{[^{}\"]*\})")


def to_tree(script: bytes) -> bytes:
    """Return the script with "/" between the levels of folders' names."""
    return _changed(script, lambda name: name.replace(b".", b"/"))


def to_flat(script: bytes) -> bytes:
    """Return the script with "." between the levels of folders' names."""
    return _changed(script, lambda name: name.replace(b"/", b"."))


def required(script: bytes) -> Set[bytes]:
    """Return the extensions that the script requires (RFC 5228, 3.2)."""
    return set(_arguments(script, b"require"))


def included(script: bytes) -> Set[bytes]:
    """Return the names of the scripts that the script includes (RFC 6609, 3.2)."""
    return set(_arguments(script, b"include"))


def _arguments(script: bytes, command: bytes) -> Iterator[bytes]:
    """Yield the strings that the script gives to a command."""
    if command in script.lower():   # it takes long to look closer
        for statement in _statements(script):
            if _name(script, statement) == command:
                yield from (script[token.start + 1:token.end - 1] for token in _strings(script, statement))


def _changed(script: bytes, change: Callable[[bytes], bytes]) -> bytes:
    statements = list(_statements(script))
    folders = [token for statement in statements for token in _folders(script, statement)]
    variables = {found.lower() for token in folders for found in _VARIABLE.findall(script[token.start:token.end])}
    folders += [token for statement in statements for token in _values(script, statement, variables)]
    pieces, done = [], 0
    for token in sorted(folders, key=lambda token: token.start):
        parts = _OUTSIDE.split(script[token.start:token.end])
        parts[::2] = [change(part) for part in parts[::2]]
        pieces += [script[done:token.start]] + parts
        done = token.end
    return b"".join(pieces) + script[done:]


def _tokens(script: bytes) -> Iterator[Token]:
    for found in _TOKEN.finditer(script):
        kind = found.lastgroup or ""
        if kind == "other":
            kind = found.group().decode("latin-1")
        if kind != "blank":
            yield Token(kind, found.start(), found.end())


def _statements(script: bytes) -> Iterator[List[Token]]:
    """Yield each command and each test: its name, and all up to the next name or the end of the arguments."""
    statement = []  # type: List[Token]
    for token in _tokens(script):
        if token.kind in ("word", ";", "{", "}", ")"):
            yield statement
            statement = []
        statement.append(token)
    yield statement


def _name(script: bytes, statement: List[Token]) -> bytes:
    if not statement or statement[0].kind != "word":
        return b""
    return script[statement[0].start:statement[0].end].lower()


def _strings(script: bytes, statement: List[Token]) -> List[Token]:
    """Return the strings among the arguments that do not belong to a tag."""
    strings, skipping, in_list = [], False, False
    for token in statement[1:]:
        if token.kind == "tag":
            skipping = script[token.start:token.end].lower() in _TAGS_WITH_STRING
        elif token.kind in ("[", "]"):
            in_list = token.kind == "["
            skipping = skipping and in_list
        elif token.kind == "string":
            if not skipping:
                strings.append(token)
            skipping = skipping and in_list
    return strings


def _folders(script: bytes, statement: List[Token]) -> List[Token]:
    """Return the strings of the statement that name folders."""
    which = _FOLDERS.get(_name(script, statement))
    return _strings(script, statement)[which] if which else []


def _values(script: bytes, statement: List[Token], variables: Set[bytes]) -> List[Token]:
    """Return the string that the statement gives to one of the variables, if it does (RFC 5229, 4)."""
    strings = _strings(script, statement) if _name(script, statement) == b"set" else []
    if len(strings) != 2 or script[strings[0].start + 1:strings[0].end - 1].lower() not in variables:
        return []
    return strings[1:]
