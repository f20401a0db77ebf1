"""The settings file on the host: read, changed and written in one place.

Only root may read it: it holds the password at the relayhost and the hash of Rspamd's.
"""
from typing import Dict

from smallmail import earlier, history, rules, settings
from smallmail.errors import Problem
from smallmail.host import Host
from smallmail.settings import Settings
from smallmail.tree import File


def load(host: Host) -> Settings:
    """The host's settings, whole and consistent; raises Problem when it has none yet."""
    text = host.text(settings.PATH)
    if not text:
        raise Problem("smallmail-server is not set up yet: type 'dpkg-reconfigure smallmail-server'")
    return parsed(text)


def parsed(text: str) -> Settings:
    """The settings that the file's text has; raises Problem, naming the file, when they cannot be used."""
    texts = settings.parse(text)
    try:
        return checked(texts)
    except Problem as error:
        raise Problem("/{}: {}".format(settings.PATH, error))


def load_or_last(host: Host) -> Settings:
    """The settings, or where the file has a mistake those that were applied last: for when nobody is there to mend it
    and a daemon must start."""
    try:
        return load(host)
    except Problem:
        kept = history.entries(host)
        file = kept[-1].inputs.get(settings.PATH) if kept else None
        if file is None:
            raise
        return checked(settings.parse(file.content.decode("utf-8")))


def checked(texts: Dict[str, str]) -> Settings:
    """Settings from their texts, each checked and all of them together."""
    made = Settings(texts)
    rules.check(made)
    return made


def may_change(host: Host, text: str) -> bool:
    """Whether these settings let us change what configures mail on this host: where an admin did that before us, or
    where he says so, a plain "no" keeps us out."""
    texts = settings.parse(text)
    if Settings(texts).take_over or earlier.managed(host.root):
        return True
    return "take-over" not in texts and not earlier.foreign(host.root)


def changed_text(host: Host, changes: Dict[str, str]) -> str:
    """The settings file as it will be with these changes; comments and all else in it stay."""
    return settings.edit(host.text(settings.PATH) or settings.default_text(), changes)


def file(text: str) -> File:
    """The settings file with that text, as it is to be written."""
    return File(text.encode("utf-8"), 0o600, "root", "root")


def save(host: Host, text: str) -> None:
    """Write the settings file."""
    host.directory("etc/smallmail")
    host.write(settings.PATH, file(text))
