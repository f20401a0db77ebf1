"""Find the name servers of a zone that do not show what was put there, asked one by one: until all of them show it,
nothing may depend on it."""
from typing import TYPE_CHECKING, Callable, List, NamedTuple, Optional

from smallmail.zones.answers import Server, Unanswered

if TYPE_CHECKING:
    from smallmail.zones.authority import Authority


class Late(NamedTuple("_Late", [("server", Optional[Server]), ("why", str)])):
    """A name server that does not show it. `why`: why it does not answer, empty where it answers something else;
    without a server: why none could be asked."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return it as people read it: "ns.example.net (192.0.2.1) does not answer"."""
        return " ".join(filter(None, ["{}".format(self.server) if self.server else "", self.why]))


def lacking(authority: "Authority", name: str, kind: str, shows: Callable[[List[str]], bool]) -> List[Late]:
    """Ask all name servers for the records of that type at a name. Returns those whose values do not satisfy `shows`.
    The authority must have that name, or one above it, among its own."""
    try:
        said = authority.ask(name, kind).said
    except Unanswered as error:
        return [Late(None, str(error))]
    return [Late(server, "") for server, values in said.items() if not shows(values)]


def silent(authority: "Authority", zone: str) -> List[Late]:
    """Ask all name servers of a zone for it. Returns those that did not answer: what they will say is not known."""
    try:
        troubles = authority.zone(zone).troubles
    except Unanswered as error:
        return [Late(None, str(error))]
    # One without an address could not even be asked: `dns check` tells of that.
    return [Late(server, trouble) for server, trouble in troubles.items() if server.address]
