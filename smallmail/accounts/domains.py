"""What was carried out of larger files: see the names below."""
from typing import List

from smallmail.accounts import opened
from smallmail.errors import Problem
from smallmail.machine.host import Host


def domains(host: Host) -> List[str]:
    """All mail domains of this host."""
    with opened.open_accounts(host) as database:
        return database.domains()


def chosen(host: Host, names: List[str]) -> List[str]:
    """Those of the mail domains that are named; all, when none is. Raises Problem for one that is none."""
    own = domains(host)
    words = [name.lower().rstrip(".") for name in names] or own
    for word in words:
        if word not in own:
            raise Problem("{} is no mail domain of this host: 'smallmail domain list' shows them".format(word))
    return words
