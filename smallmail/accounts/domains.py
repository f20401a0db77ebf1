"""The mail domains of a host, and those that somebody names."""
from typing import Callable, List

from smallmail.accounts import database
from smallmail.errors import WrongUsage
from smallmail.machine.host import Host
from smallmail.settings import values


def domains(host: Host) -> List[str]:
    """Return all mail domains of this host."""
    with database.open_accounts(host) as accounts:
        return accounts.domains()


def chosen(host: Host, names: List[str], also: Callable[[str], bool] = lambda name: False) -> List[str]:
    """Return the mail domains that are named, in their normal form; all of them when none is.

    `also` tells of a name that is accepted although it is not a mail domain. Raises WrongUsage for any other one.
    """
    own = domains(host)
    words = [_normal(name) for name in names] or own
    for word in words:
        if word not in own and not also(word):
            raise WrongUsage("{} is not a mail domain of this host: 'smallmail domain list' lists them".format(word))
    return words


def _normal(name: str) -> str:
    try:
        return values.domain(name)
    except ValueError:
        return name.lower().rstrip(".")     # the sentence that follows is better: it is not a domain of this host
