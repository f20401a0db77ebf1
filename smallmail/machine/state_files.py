"""Read and write the files and folders that state.py lists, each with the permissions listed there.

A file is written whole or not at all (Host.write), so that no power cut leaves half a file. What only saves work or
remembers what was seen last may be lost: load_json() then returns the default, and the module that keeps the file says
in its docstring what is done again. What cannot be made again (the record, the list of DKIM keys, the history) is read
by its own module, which raises Problem and names the file.
"""
import copy
import json
from typing import Any

from smallmail.machine import state
from smallmail.machine.file import File, bytes_of
from smallmail.machine.host import Host


def file(path: str, content: bytes) -> File:
    """Return a state file of that content, as transaction.swap() and Host.write() take it."""
    return File(content, *state.FILES[path])


def write(host: Host, path: str, text: str) -> None:
    """Write a state file, unless it has this text and its permissions already."""
    new = file(path, bytes_of(text))
    if host.file(path) != new:
        host.write(path, new)


def make_folder(host: Host, path: str) -> None:
    """Make a state folder, and give it its permissions."""
    host.directory(path, *state.FOLDERS[path])


def load_json(host: Host, path: str, default: Any) -> Any:
    """Read what save_json() wrote. Returns a copy of the default where the file does not exist, is damaged, or was
    edited so that it has not the default's form; a dictionary gets the default's values for keys that it lacks."""
    begun_anew = copy.deepcopy(default)
    try:
        value = json.loads(host.text(path))
    except ValueError:
        return begun_anew
    if not isinstance(default, dict):
        return value if isinstance(value, type(default)) else begun_anew
    if not isinstance(value, dict) or any(_differs(value[key], default[key]) for key in default if key in value):
        return begun_anew
    begun_anew.update(value)
    return begun_anew


def save_json(host: Host, path: str, value: Any) -> None:
    """Write the value as JSON, unless the file has it already."""
    write(host, path, json.dumps(value, indent=2) + "\n")


def _differs(value: Any, default: Any) -> bool:
    """Tell whether a value is of another type than its default. None says nothing of the type."""
    if isinstance(default, float):
        return not isinstance(value, (int, float))
    return default is not None and not isinstance(value, type(default))
