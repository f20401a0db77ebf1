"""Check what an attacker would gain: how far each daemon is confined, which ports others can reach, who may read what
is secret, and whether that is still as smallmail made it."""
import os
import re
import shlex
import stat
from collections import OrderedDict
from typing import Dict, Iterable, Iterator, List, NamedTuple

from smallmail.daemons import listening, running, table
from smallmail.daemons.dovecot import DOVECOT
from smallmail.findings import Finding, Group
from smallmail.machine import port_holders, services, state, stock_store
from smallmail.machine.file import group_name, user_name
from smallmail.machine.host import Failed, Host
from smallmail.machine.port_holders import Holder, Listener
from smallmail.machine.state import Permissions
from smallmail.publishing import name_servers
from smallmail.settings import fields
from smallmail.settings.fields import Settings

_GROUP = Group("security")

# The exposure that each unit has at most with the drop-ins of this package, as 'systemd-analyze security' counts it
# (0 is the best of 10).
_MOST = OrderedDict([("postfix", 4.0), ("dovecot", 4.0), ("rspamd", 3.0), ("smallmail-redis", 1.5)])
# Up to Debian 12, the daemons of Postfix are in this unit, and postfix.service has no process.
_OTHER_NAMES = {"postfix@-": "postfix"}
_EXPOSURE = re.compile(r"^(\S+)\.service\s+(\d+\.\d+)\s", re.MULTILINE)
_ADMINS_UNITS = "etc/systemd/system"

# What has no password, or one that is guessed by the thousand.
_FOR_THIS_HOST = {port.number for port in listening.PORTS if port.used_by == listening.HOST}.union([6379])
_RSPAMD = ["/usr/bin/rspamd"]
_DOORKEEPER = "smallmail-sieve.socket"
_MOST_NAMED = 40    # ports: a user of the host can open very many
_FILES_OF_ADMIN = [fields.PATH, name_servers.PATH]    # both may have passwords

Kept = NamedTuple("Kept", [("path", str), ("wanted", Permissions), ("found", Permissions)])


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check all of the group. Yields what was found."""
    if services.managed():
        yield from exposure(_scores(host), {name: _own_files(host, name) for name in _MOST})
        yield from reachable(opened(port_holders.listening(host.root), host.root))
        yield from stores(stock_store.opened(host))
        yield from held(services.state(host, _DOORKEEPER), running.active(host, DOVECOT))
        yield from pretenders(port_holders.taken([listening.CONTROLLER.number], _RSPAMD, root=host.root))
    yield from permissions(kept(host, _wanted(settings)))


def _scores(host: Host) -> Dict[str, float]:
    """Ask systemd. Returns the exposure by unit; none where systemd is older than this question (before 240)."""
    try:
        said = host.run(["systemd-analyze", "security", "--no-pager"])
    except Failed:
        return {}
    return scores(said)


def scores(table_of_units: str) -> Dict[str, float]:
    """Read what 'systemd-analyze security' prints. Returns the exposure of each daemon's unit."""
    found = {}  # type: Dict[str, float]
    for name, score in sorted(_EXPOSURE.findall(table_of_units)):   # "postfix@-" comes after "postfix"
        found[_OTHER_NAMES.get(name, name)] = float(score)
    return OrderedDict((name, found[name]) for name in _MOST if name in found)


def exposure(by_unit: Dict[str, float], files: Dict[str, List[str]]) -> Iterator[Finding]:
    """Judge how far the daemons are confined. `files`: the admin's own files for each unit. Yields what was found."""
    for name, score in by_unit.items():
        if score > _MOST[name] and files[name]:
            yield _GROUP.problem(
                "{} is confined less than smallmail confines it".format(name),
                "Its exposure is {}, and {} at most without {}. A hole in it reaches more of this host.".format(
                    score, _MOST[name], ", ".join(files[name])),
                ["systemd-analyze security {}".format(name), "systemctl cat {}".format(name)])
    if by_unit:
        yield _GROUP.note("exposure as 'systemd-analyze security' counts it (0 is the best of 10): {}".format(
            ", ".join("{} {}".format(name, score) for name, score in by_unit.items())))


def _own_files(host: Host, name: str) -> List[str]:
    """List the files under /etc that change a unit, or replace it."""
    names = [name] + [other for other, its in _OTHER_NAMES.items() if its == name]
    places = ["{}/{}.service".format(_ADMINS_UNITS, each) for each in names]
    found = [place for place in places if host.exists(place) and not os.path.islink(host.path(place))]
    found += ["{}.d/{}".format(place, file) for place in places for file in host.names(place + ".d")]
    return ["/" + path for path in found]


def opened(listeners: Iterable[Listener], root: str) -> Dict[int, str]:
    """Select the ports that others can reach. Returns the program at each."""
    numbers = {each.port for each in listeners if port_holders.is_reachable(each)}
    return OrderedDict((number, holder.name) for number, holder in port_holders.holders(numbers, root).items())


def reachable(programs: Dict[int, str]) -> Iterator[Finding]:
    """Judge the ports that others can reach unless a firewall keeps them out. Yields what was found."""
    for number, program in programs.items():
        if number in _FOR_THIS_HOST:
            yield _GROUP.problem("port {} is open to others".format(number), "{} listens there. It is for programs on"
                                 " this host only.".format(program), ["ss -ltnp 'sport = :{}'".format(number)])
    if programs:
        named = ["{} {}".format(number, program) for number, program in programs.items()]
        more = ["{} more".format(len(named) - _MOST_NAMED)] if len(named) > _MOST_NAMED else []
        yield _GROUP.note("ports open to others, unless a firewall closes them: {}".format(
            ", ".join(named[:_MOST_NAMED] + more)))


def stores(names: Iterable[str]) -> Iterator[Finding]:
    """Yield a note for each of Debian's own servers of Redis and Valkey that all users of the host can use."""
    for name in names:
        yield _GROUP.note(
            "{0}.service listens on 127.0.0.1:6379 without a password: every user of this host can read and change what"
            " is in it. smallmail does not use it ('systemctl disable --now {0}' stops it, if no other program of this"
            " host uses it)".format(name))


def held(state: str, dovecot_runs: bool) -> Iterator[Finding]:
    """Judge the unit that keeps Dovecot's port above 1023 while Dovecot is down, given its state as systemd calls it.
    Yields what was found."""
    if dovecot_runs and state != "active":
        yield _GROUP.problem(
            "any user of this host can take port 4190 while Dovecot is down", "{} is {}, so Dovecot listens by itself:"
            " who takes the port gets the passwords of those who edit their filters.".format(_DOORKEEPER, state),
            ["systemctl restart dovecot"])


def pretenders(holders: Iterable[Holder]) -> Iterator[Finding]:
    """Yield a problem for each program that is not Rspamd and listens where Rspamd's web page should be: any user can
    start one while Rspamd is down, and Rspamd cannot listen below port 1024."""
    for holder in holders:
        yield _GROUP.problem(
            "port {} belongs to {}, and not to Rspamd".format(holder.port, port_holders.words(holder)),
            "It can read the password of each person who opens Rspamd's web page there. Mail is still filtered.",
            ["ss -ltnp 'sport = :{}'".format(holder.port), "systemctl restart rspamd"],
            advice="End that program, and restart Rspamd.")


def _wanted(settings: Settings) -> Dict[str, Permissions]:
    """Name the files and folders whose permissions matter. Returns what smallmail gives them."""
    wanted = OrderedDict()  # type: Dict[str, Permissions]
    wanted.update(state.FOLDERS)
    wanted.update(state.FILES)
    wanted.update((path, Permissions(*table.PERMISSIONS[path])) for path in sorted(table.SECRET))
    wanted.update((path, Permissions(0o600, "root", "root")) for path in _FILES_OF_ADMIN)
    wanted[settings.mail_directory[1:]] = Permissions(0o750, "vmail", "vmail")
    return wanted


def kept(host: Host, wanted: Dict[str, Permissions]) -> Iterator[Kept]:
    """Look at files and folders, but at no symbolic link. Yields each that exists."""
    for path, permissions in wanted.items():
        try:
            status = os.lstat(host.path(path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISLNK(status.st_mode):
            yield Kept(path, permissions, Permissions(
                stat.S_IMODE(status.st_mode), user_name(status.st_uid),
                group_name(status.st_gid)))


def permissions(kept: Iterable[Kept]) -> Iterator[Finding]:
    """Judge whether more users than wanted may read or write files and folders. Yields what was found."""
    for path, wanted, found in kept:
        if found.mode & ~wanted.mode or found[1:] != wanted[1:]:
            name = shlex.quote("/" + path)
            yield _GROUP.problem(
                "/{} has other permissions than smallmail gives it".format(path), "It is {}, and should be {}: others"
                " may read or change what is in it.".format(_words(found), _words(wanted)),
                ["chown {}:{} {}".format(wanted.owner, wanted.group, name), "chmod {:o} {}".format(wanted.mode, name)])


def _words(permissions: Permissions) -> str:
    return "{:04o} {}:{}".format(permissions.mode, permissions.owner, permissions.group)
