"""The list of DKIM keys as text: what state.DKIM_LIST holds. Pure.

What is read is checked, field by field: a domain and a selector become the name of a file and lines of Rspamd's
configuration, and up to 0.3.0 the list was below a folder of another user.
"""
import json
import re
from collections import OrderedDict
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Tuple  # noqa: F401 (in a type comment)

from smallmail.dkim.key_format import ED25519, RSA
from smallmail.errors import Problem

NEXT, SIGNING, OLD = "next", "signing", "old"

Key = NamedTuple("Key", [
    ("domain", str),
    ("selector", str),
    ("kind", str),      # RSA or ED25519
    ("state", str),     # NEXT, SIGNING or OLD
    ("made", float),    # seconds since 1970
    ("left", float),    # when Rspamd was first seen to sign without it; 0 until then
    ("public", str),    # as p= has it
    ("waiting", List[str]),     # what a NEXT key waits for: a name server or a sentence each
])

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(r"(?=.{{1,253}}\Z){0}(\.{0})*\Z".format(_LABEL))
_SELECTOR = re.compile(_LABEL + r"\Z")
_LATEST = 1e11     # seconds since 1970: the year 5138
_BASE64 = re.compile(r"[A-Za-z0-9+/]{0,4096}={0,2}\Z")


def _is_text(value: Any, pattern: Any) -> bool:
    return isinstance(value, str) and bool(pattern.match(value))


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _LATEST


_FIELDS = OrderedDict([
    ("domain", lambda value: _is_text(value, _DOMAIN)),
    ("selector", lambda value: _is_text(value, _SELECTOR)),
    ("kind", lambda value: value in (RSA, ED25519)),
    ("state", lambda value: value in (NEXT, SIGNING, OLD)),
    ("made", _is_time),
    ("left", _is_time),
    ("public", lambda value: _is_text(value, _BASE64)),
    ("waiting", lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value)),
])  # type: Dict[str, Callable[[Any], bool]]


def loads(text: str, path: str) -> List[Key]:
    """Return the keys from the list's text, which is that of the file `path`. Raises Problem if it is damaged."""
    try:
        data = json.loads(text or "[]")
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, list) or not all(_is_key(each) for each in data):
        raise Problem("/{} cannot be read: restore it from a backup, or remove it; then each domain's first key signs"
                      .format(path))
    keys = [Key(**each) for each in data]
    if len({key[:2] for key in keys}) < len(keys):
        raise Problem("/{} has two keys of the same name: restore it from a backup".format(path))
    return keys


def dumps(keys: Iterable[Key]) -> List[Any]:
    """Return the list as JSON has it, in a fixed order."""
    return [OrderedDict(zip(key._fields, key)) for key in sorted(keys, key=_order)]


def _order(key: Key) -> Tuple[str, bool, float]:
    return key.domain, key.kind != RSA, -key.made


def _is_key(each: Any) -> bool:
    return isinstance(each, dict) and set(each) == set(_FIELDS) and all(
        is_right(each[name]) for name, is_right in _FIELDS.items())
