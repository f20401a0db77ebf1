"""Take over a host: what an earlier configuration has that would act against ours, and what replaces it meanwhile.

Ours sets what it needs; but the admin's transport_maps, or a service on port 465, would still act beside it, lose mail
or keep Postfix from starting. So on a host that is taken over, everything of the admin's that we do not set goes back
to the daemons' own defaults: that is what smallmail is tested on. All of it is in the plan like any other change; what
existed before is recorded, and comes back with the hand-back. What describes the machine stays.

What an admin adds later stays, too.
"""
from typing import Dict, Iterable, Iterator, Set, Tuple

from smallmail.configuration import tree
from smallmail.configuration.record import KINDS, Record, before_us
from smallmail.configuration.tree import OFF, Tree
from smallmail.daemons import foreign, listening, main_cf, postconf, postfix, running, table
from smallmail.daemons.daemon import stock_path
from smallmail.errors import Problem
from smallmail.machine import port_holders, state
from smallmail.machine.file import File
from smallmail.machine.host import Host

_INSTEAD = File(b"# smallmail keeps what was in this file, and puts it back when smallmail-server is removed.\n", 0o644,
                "root", "root")


def ports_free(host: Host) -> None:
    """Raise Problem if another program holds a port that a daemon of ours is about to open."""
    is_first = not state.in_charge(host.root)
    owners = {port.number: table.BY_NAME[port.daemon] for port in listening.EXCLUSIVE}
    held = [holder for holder in foreign.holders(host.root)
            if is_first or not running.active(host, owners[holder.port])]
    if held:
        raise Problem("{}: stop {} first, then 'smallmail apply'".format(
            " and ".join("port {} is held by {}".format(holder.port, port_holders.words(holder)) for holder in held),
            "it" if len({holder.pid for holder in held}) == 1 else "them"))


def silenced(host: Host, target: Tree, record: Record) -> Tree:
    """Return the target together with what is wanted in place of an earlier configuration. Raises Failed."""
    earlier = _earlier(host, record)
    files = dict(_files(host, earlier.files, target))
    parameters = _parameters(host, earlier.parameters, target)
    services = dict(_services(host, earlier.services, target))
    return Tree(tree.joined(target.files, files), tree.joined(target.parameters, parameters),
                tree.joined(target.services, services))


def taken_over(host: Host, target: Tree, record: Record) -> Set[str]:
    """Return the files that ours may replace, although smallmail did not write them: all before the first apply, which
    happens only on a host without a mail configuration or on one that is taken over."""
    return set() if record.originals else set(_admins_files(host)) | set(target.files)


def _admins_files(host: Host) -> Iterator[str]:
    for daemon in table.ALL:
        yield from daemon.admins_files(host.root)


def _earlier(host: Host, record: Record) -> Tree:
    """Return what was the admin's before smallmail: as recorded, or what is there now if smallmail never changed this
    host."""
    if record.originals:
        before = {kind: {name: before_us(kind, entry) for name, entry in record.entries[kind].items()
                         if entry.before is not None} for kind in KINDS}
        earlier = Tree(before["files"], before["parameters"], before["services"])
    else:
        earlier = Tree(dict.fromkeys(_admins_files(host), _INSTEAD), main_cf.parse_main(host.text(main_cf.MAIN)),
                       main_cf.parse_master(host.text(main_cf.MASTER)))
    parameters = postfix.admins_parameters("".join("{} = {}\n".format(*pair) for pair in earlier.parameters.items()))
    services = postfix.admins_services("".join(entry + "\n" for entry in earlier.services.values()))
    return Tree(earlier.files, {name: earlier.parameters[name] for name in parameters},
                {name: earlier.services[name] for name in services})


def _files(host: Host, paths: Iterable[str], target: Tree) -> Iterator[Tuple[str, File]]:
    """Yield what replaces the admin's files: the text of Debian's package if it has one, else a comment. A file that
    does not act against ours is left alone."""
    for path in paths:
        daemon = table.reader(path)
        if path in target.files or daemon is None:
            continue
        stock = stock_path(daemon, path)
        file = host.file(stock) if stock else None
        if file or daemon.acts_against(path, target.files):
            yield path, file or _INSTEAD


def _parameters(host: Host, earlier: Dict[str, str], target: Tree) -> Dict[str, str]:
    """Return Postfix's own defaults for what acts against ours."""
    names = [name for name in earlier if name not in target.parameters and postfix.parameter_acts_against(name)]
    return postconf.defaults(host, names) if names else {}


def _services(host: Host, earlier: Dict[str, str], target: Tree) -> Iterator[Tuple[str, str]]:
    """Yield what replaces the admin's services: nothing on a port of ours, else the entry of Debian's package."""
    stock = main_cf.parse_master(host.text(postconf.STOCK[main_cf.MASTER]))
    for name in earlier:
        if name in target.services or name in postfix.CLIENTS:
            continue
        if postfix.is_on_own_port(name):
            yield name, OFF
        elif name in stock and not name.endswith("/inet"):
            yield name, stock[name]
