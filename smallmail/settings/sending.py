"""What a setting can be that is about what this host's programs and mailboxes send: who may send as whom, how much, and
what is told of it. Each check is as those of values.py.
"""
import re
from typing import Tuple

from smallmail.settings import values


def local_senders(text: str) -> str:
    """Check which senders programs on this host may use: words of the form ADDRESS, @DOMAIN, or one of these after a
    UNIX user and a colon. Returns them separated by single spaces, each once."""
    found = []
    for word in values.line(text).replace(",", " ").split():
        user, colon, sender = word.rpartition(":")
        if colon and not re.fullmatch(r"[a-z_][a-z0-9_.-]{0,31}", user):
            raise ValueError("'{}' is not the name of a UNIX user: type it as in www-data:shop@example.org"
                             .format(user))
        checked = user + colon + values.alias_address(sender)
        if checked not in found:
            found.append(checked)
    return " ".join(found)


def user_and_sender(text: str) -> Tuple[str, str]:
    """Return the parts of a word of local_senders(): the UNIX user, "" for all of them, and the sender."""
    user, _, sender = text.rpartition(":")
    return user, sender


def limit(text: str) -> str:
    """Check a number of messages or recipients; 0: no limit."""
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise ValueError("'{}' is not a limit: type a number, as in 400, or 0 for no limit".format(text))
    return str(int(text))


def notify(text: str) -> str:
    """Check what is told of alarms: a URL, the path of a program, or nothing."""
    text = values.line(text)
    if not text or re.fullmatch(r"https?://[^\s/?#@]+([/?#][!-~]*)?", text):
        return text
    if not text.startswith("/"):
        raise ValueError("'{}' is neither the URL of a web server nor the path of a program: type all of it, as in"
                         " https://ntfy.example.org/topic or /usr/local/bin/alarm".format(text))
    if re.search(r"\s", text):
        raise ValueError("'{}' contains a blank: the program gets no arguments, so write a script that calls it with"
                         " some".format(text))
    return values.path(text)
