"""Taking over: what an earlier configuration has that would act against ours, and what stands there instead meanwhile.

Ours sets what it needs; but a transport_maps or a service on port 465 of the admin's would still act beside it, lose
mail or keep Postfix from starting. So on a host that is taken over, what was the admin's and is not set by us goes to
what Postfix, Dovecot and Rspamd have by themselves: that is what smallmail is tested on. All of it is in the plan as
any other change, what stood before is recorded, and comes back with the hand-back. What describes the machine stays.

What an admin adds later is his own, and stays.
"""
import re
from typing import Dict, Iterable, Iterator, Set, Tuple

from smallmail.configuration import record as configuration_record, tree
from smallmail.configuration.record import Record
from smallmail.configuration.tree import OFF, Tree
from smallmail.daemons import dovecot, main_cf, postconf, postfix, rspamd, running
from smallmail.errors import Problem
from smallmail.machine import ports, state
from smallmail.machine.file import File
from smallmail.machine.host import Host

# Parameters that describe the machine, its network and its limits, or how Postfix is a client of others: they take
# nothing away from our mail …
_KEPT = re.compile(r"(smtp|debug|syslog|maillog|postscreen|tls|inet|multi_instance)_.*|proxy_interfaces|alias_database"
                   r"|.*_(directory|bind_address6?|timeout|interval|lifetime|time|delay|limit|size|path|loglevel|owner"
                   r"|group|privs)")

# … except for these.
_NOT_KEPT = re.compile(r"smtp_(.*header_checks|body_checks|generic_maps|fallback_relay|.*_filter)|tls_server_sni_maps")

# Services of master(5) that only lead out of the host: an address to bind to is their admin's business.
_CLIENTS = ("smtp/unix", "relay/unix")
_ON_OUR_PORTS = {"25", "smtp", "mail", "465", "smtps", "submissions", "ssmtp", "urd", "587", "submission"}

_INSTEAD = File(b"# What stood here is kept by smallmail; it comes back when smallmail-server is removed.\n", 0o644,
                "root", "root")


def ports_free(host: Host) -> None:
    """Raises Problem when a daemon of ours would find its port taken by another program."""
    first = not state.managed(host.root)
    held = [holder for holder in ports.taken(host.root)
            if first or not running.active(host, ports.PORTS[holder.port])]
    if held:
        raise Problem("{}: stop {} first, then 'smallmail apply'".format(
            " and ".join("port {} is held by {}".format(holder.port, ports.words(holder)) for holder in held),
            "it" if len({holder.pid for holder in held}) == 1 else "them"))


def silenced(host: Host, target: Tree, record: Record) -> Tree:
    """The wanted tree, together with what is wanted instead of an earlier configuration's."""
    stood = _stood(host, record)
    files = dict(_files(host, stood.files, target))
    parameters = _parameters(host, stood.parameters, target)
    return Tree(tree.joined(target.files, files), tree.joined(target.parameters, parameters),
                tree.joined(target.services, dict(_services(host, stood.services, target))))


def taken_over(host: Host, target: Tree, record: Record) -> Set[str]:
    """The files in whose place ours may be put, although we did not write them: all of them before the first apply,
    which comes when nothing here says anything about mail, or when the host is being taken over."""
    return set() if record.originals else set(_admins_files(host)) | set(target.files)


def _admins_files(host: Host) -> Iterator[str]:
    for path in list(dovecot.dovecot(host.root)) + list(rspamd.rspamd(host.root)):
        yield path[1:]


def _stood(host: Host, record: Record) -> Tree:
    """What was the admin's before us: as recorded, or on a host that we never touched what is there now."""
    if record.originals:
        before = {kind: {name: entry.before for name, entry in record.entries[kind].items() if entry.before is not None}
                  for kind in configuration_record.KINDS}
        stood = Tree(before["files"], before["parameters"], before["services"])
    else:
        stood = Tree(dict.fromkeys(_admins_files(host), _INSTEAD), main_cf.parse_main(host.text(main_cf.MAIN)),
                     main_cf.parse_master(host.text(main_cf.MASTER)))
    parameters = postfix.admins_parameters("".join("{} = {}\n".format(*pair) for pair in stood.parameters.items()))
    entries = postfix.admins_services("".join(entry + "\n" for entry in stood.services.values()))
    return Tree(stood.files, {name: stood.parameters[name] for name in parameters},
                {name: stood.services[name] for name in entries})


def _files(host: Host, paths: Iterable[str], target: Tree) -> Iterator[Tuple[str, File]]:
    """Dovecot's own text where it has one; else a comment. Files that nothing reads any more then are left alone."""
    ours = {path.rpartition("/")[2] for path in target.files if path.startswith("etc/rspamd/local.d/")}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if path in target.files:
            continue
        if path.startswith("etc/dovecot/"):
            stock = host.file(path.replace("etc/dovecot/", "usr/share/dovecot/", 1))
            if stock or name.endswith(".conf"):
                yield path, stock or _INSTEAD
        elif path == "etc/rspamd/rspamd.conf.override" or (folder == "etc/rspamd/override.d" and name in ours):
            yield path, _INSTEAD


def _parameters(host: Host, stood: Dict[str, str], target: Tree) -> Dict[str, str]:
    """Postfix's own defaults."""
    names = [name for name in stood if name not in target.parameters
             and (not _KEPT.fullmatch(name) or _NOT_KEPT.fullmatch(name))]
    return postconf.defaults(host, names) if names else {}


def _services(host: Host, stood: Dict[str, str], target: Tree) -> Iterator[Tuple[str, str]]:
    stock = main_cf.parse_master(host.text(postconf.STOCK[main_cf.MASTER]))
    for name in stood:
        if name in target.services or name in _CLIENTS:
            continue
        address, _, kind = name.rpartition("/")
        if kind == "inet" and address.rpartition(":")[2] in _ON_OUR_PORTS:
            yield name, OFF
        elif name in stock and kind != "inet":
            yield name, stock[name]
