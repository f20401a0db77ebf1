"""Whether all name servers of a zone show what was put there, asked one by one: before that nothing may lean on it."""
from typing import Callable, List

from smallmail.zones.answers import Unanswered
from smallmail.zones.authority import Authority


def lacking(authority: Authority, name: str, kind: str, shows: Callable[[List[str]], bool]) -> List[str]:
    """The name servers whose values of that type at that name do not satisfy `shows`, in words. The authority must
    have that name, or one above it, among its own."""
    try:
        said = authority.ask(name, kind).said
    except Unanswered as error:
        return [str(error)]
    return [server for server, values in said.items() if not shows(values)]


def silent(authority: Authority, zone: str) -> List[str]:
    """The zone's name servers that did not answer, in words: what they will say is not known."""
    try:
        troubles = authority.zone(zone).troubles
    except Unanswered as error:
        return [str(error)]
    # Without an address it could not even be asked: of that `dns check` tells.
    return ["{} {}".format(server, trouble) for server, trouble in troubles.items() if "(" in server]
