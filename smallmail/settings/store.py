"""The settings file on the host: read, changed and written in one place.

Only root may read it: it holds the password at the relayhost and the hash of Rspamd's.
"""
from typing import Dict

from smallmail.errors import Problem
from smallmail.machine.file import File, bytes_of
from smallmail.machine.host import Host
from smallmail.settings import fields, file_format, rules
from smallmail.settings.fields import Settings


def load(host: Host) -> Settings:
    """Return the host's settings, each checked and all of them together. Raises Problem when it has none yet."""
    return parsed(must_be_set_up(host))


def must_be_set_up(host: Host) -> str:
    """Return the text of the settings file. Raises Problem when the host has none yet."""
    text = host.text(fields.PATH)
    if not text:
        raise Problem("smallmail-server is not set up yet: type 'dpkg-reconfigure smallmail-server'")
    return text


def parsed(text: str) -> Settings:
    """Return the settings in the file's text. Raises Problem, naming the file, when they cannot be used."""
    texts = file_format.parse(text)
    try:
        return checked(texts)
    except Problem as error:
        raise Problem("/{}: {}".format(fields.PATH, error))


def checked(texts: Dict[str, str]) -> Settings:
    """Return settings made from their texts, each checked and all of them together. Raises Problem."""
    made = Settings(texts)
    rules.check(made)
    return made


def changed_text(host: Host, changes: Dict[str, str]) -> str:
    """Return the text of the settings file with these changes; comments and all other lines stay as they are."""
    return file_format.edit(host.text(fields.PATH) or file_format.default_text(), changes)


def file(text: str) -> File:
    """Return the settings file with that text, as it is to be written."""
    return File(bytes_of(text), 0o600, "root", "root")


def save(host: Host, text: str) -> None:
    """Write the settings file."""
    host.directory("etc/smallmail")
    host.write(fields.PATH, file(text))
