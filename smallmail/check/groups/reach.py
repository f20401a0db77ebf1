"""Check whether the daemons can reach what they need: folders that a umask or a restored backup has closed."""
import shlex
from typing import Iterable, Iterator

from smallmail.configuration import in_force
from smallmail.findings import Finding, Group
from smallmail.machine.host import Host
from smallmail.machine.reach import Closed
from smallmail.settings.fields import Settings

_GROUP = Group("host")


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check the folders that lead to what smallmail wrote. Yields what was found."""
    yield from judged(in_force.closed(host))


def judged(closed: Iterable[Closed]) -> Iterator[Finding]:
    """Yield a problem for each folder or file that is closed to those who need it."""
    for each in closed:
        name = "it" if each.below == each.path else "/" + each.below
        yield _GROUP.problem("/{} is closed to programs that need it: its mode is {:04o}".format(each.path, each.found),
                             "They cannot read {}: mail may wait, or be refused for a time.".format(name),
                             ["chmod {:o} {}".format(each.needed, shlex.quote("/" + each.path))])
