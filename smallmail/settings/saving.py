"""What a setting can be that is about backups: where they go, and how many are kept.

Each check is as those of values.py.
"""
import re

from smallmail.settings import values

LOCAL, OFF, ENVIRONMENT = "local", "off", "environment"

# restic(1), "Preparing a new repository".
_BACKENDS = ("sftp", "rest", "s3", "swift", "b2", "azure", "gs", "rclone")
_PERIODS = {"d": "daily", "w": "weekly", "m": "monthly", "y": "yearly"}


def repository(text: str) -> str:
    """Check where backups go: a word, the path of a folder, or a repository of restic."""
    text = values.line(text)
    if text in (LOCAL, OFF, ENVIRONMENT):
        return text
    if text.startswith("/"):
        return values.path(text)
    if re.search(r"\s", text) or not text.startswith(tuple(name + ":" for name in _BACKENDS)):
        raise ValueError("'{}' is not a place for backups: type local, off, the full path of a folder, or a repository"
                         " of restic, as in sftp:backup@nas.example.org:/smallmail".format(text))
    if re.match(r"[a-z0-9]+:(?:[a-z0-9]+:)?//[^/@]*:[^/@]*@", text):
        raise ValueError("the address contains a password: write 'RESTIC_REPOSITORY={}' into"
                         " /etc/smallmail/backup.env, readable by root only, and set environment"
                         .format(re.sub(r"://[^/@]*@", "://…@", text)))
    return text


def keep(text: str) -> str:
    """Check how many backups are kept: words such as 7d 5w 12m 3y, or all."""
    words = text.replace(",", " ").split()
    if words == ["all"]:
        return "all"
    for word in words:
        if not re.fullmatch(r"[1-9][0-9]{0,3}[dwmy]", word):
            raise ValueError("'{}' is not a number of days, weeks, months or years: type it as in 7d 5w 12m, or all"
                             .format(word))
    if len({word[-1] for word in words}) != len(words):
        raise ValueError("'{}' names a period twice".format(" ".join(words)))
    return " ".join(words)


def keep_options(word: str) -> str:
    """Return restic's option for one word of keep()."""
    return "--keep-{}={}".format(_PERIODS[word[-1]], word[:-1])
