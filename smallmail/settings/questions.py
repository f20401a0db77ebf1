"""The package's questions as a table: their order, their priority, what an answer must be. Knows nothing of debconf.

Their texts are in debian/smallmail-server.templates. This module is also part of the package's debconf `config` script,
where only Python's standard library is at hand.
"""
import os
from collections import OrderedDict
from typing import Callable, NamedTuple

from smallmail.daemons import foreign
from smallmail.settings import file_reader, values

Get = Callable[[str], str]      # the answer to a question, by its name

Question = NamedTuple("Question", [
    ("name", str),
    ("priority", str),
    ("check", Callable[[str, Get], str]),   # -> the normal form of the answer; raises ValueError with a sentence
    ("suggest", Callable[[Get], str]),      # -> what it shows while nobody has answered; "": the template's default
    ("applies", Callable[[Get], bool]),     # whether the other answers leave it any meaning
    ("secret", bool),
])


def own_name(root: str = "/") -> str:
    """Return the host's full name from its own files ('hostname -f' may wait for DNS); empty when it is not there."""
    short = _text(os.path.join(root, "etc/hostname")).strip()
    names = [short]
    for line in _text(os.path.join(root, "etc/hosts")).splitlines():
        words = line.partition("#")[0].split()
        if short in words[1:]:
            names.append(words[1])
    for name in names:
        try:
            return values.hostname(name)
        except ValueError:
            continue
    return ""


def _question(name: str, priority: str, check: Callable[..., str], suggest: Callable[[Get], str] = lambda get: "",
              applies: Callable[[Get], bool] = lambda get: True, secret: bool = False) -> Question:
    return Question(name, priority, check, suggest, applies, secret)


def _alone(check: Callable[[str], str]) -> Callable[..., str]:
    """Return a question's check made from one that needs no other answer."""
    return lambda text, get: check(text)


def _domain_of_host(get: Get) -> str:
    name = get("hostname")
    return name.partition(".")[2] if name.count(".") > 1 else name


def _postmaster(get: Get) -> str:
    domains = get("domain").split()
    return "postmaster@" + domains[0] if domains else ""


def _resolver_here(get: Get) -> str:
    return "local" if os.path.exists("/usr/sbin/unbound") else "system"


def _file(text: str, get: Get) -> str:
    path = values.path(text)
    if not os.path.isfile(path):
        raise ValueError("the file {} does not exist: create it first, or choose another certificate".format(path))
    return path


def _foreign(get: Get) -> bool:
    return foreign.exists()


def _with_files(get: Get) -> bool:
    return get("certificate") == "files"


def _with_relay(get: Get) -> bool:
    return bool(get("relayhost"))


def _with_relay_login(get: Get) -> bool:
    return _with_relay(get) and bool(get("relay-username"))


def _relay_password(text: str, get: Get) -> str:
    """Check the relay's password: an empty answer keeps the present one, so there must be one."""
    if not text and not file_reader.load().get("relay-password"):
        raise ValueError("the user name {} needs a password".format(get("relay-username")))
    return values.line(text)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return ""


QUESTIONS = OrderedDict((question.name, question) for question in [
    _question("take-over", "critical", _alone(values.yes_no), applies=_foreign),
    _question("hostname", "high", _alone(values.hostname), lambda get: own_name()),
    _question("domain", "high", _alone(values.domains), _domain_of_host),
    _question("address", "high", lambda text, get: values.mailbox_in(text, get("domain")), _postmaster),
    _question("password", "high", _alone(values.optional_password), secret=True),
    _question("certificate", "high", _alone(values.certificate)),
    _question("acme-email", "medium", _alone(values.optional_address), lambda get: get("address"),
              lambda get: get("certificate") == "letsencrypt"),
    _question("certificate-file", "high", _file, applies=_with_files),
    _question("key-file", "high", _file, applies=_with_files),
    _question("rspamd-password", "medium", _alone(values.optional_password), secret=True),
    _question("resolver", "medium", _alone(values.resolver), _resolver_here),
    _question("mail-directory", "low", _alone(values.mail_directory)),
    _question("relayhost", "low", _alone(values.relayhost)),
    _question("relay-username", "low", _alone(values.relay_username), applies=_with_relay),
    _question("relay-password", "low", _relay_password, applies=_with_relay_login, secret=True),
])
