"""Gather the state of the host for one screen: what runs, what waits, what was changed by hand, and what is wrong."""
import contextlib
import os
from collections import OrderedDict
from typing import Any, Dict, Iterable, List, NamedTuple

from smallmail import findings
from smallmail.accounts import database
from smallmail.check import units
from smallmail.check.groups import host as groups_host
from smallmail.configuration import apply, plan, set_aside
from smallmail.daemons import listening, table
from smallmail.findings import Finding, Group
from smallmail.machine import dates, port_holders, probes, services, state, walk
from smallmail.machine.host import Host
from smallmail.machine.port_holders import Listener
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, rollover, served

_GROUP = Group("ports")
_QUEUES = ("incoming", "active", "deferred", "hold", "maildrop")
_SPOOL = "var/spool/postfix/"
_MOST_FOLDERS = 300     # of a queue, with hash_queue_depth=2
_FEW = 5    # changes by hand that are named one by one

Status = NamedTuple("Status", [
    ("data", Dict[str, Any]),       # for --json, in the order of telling
    ("found", List[Finding]),       # what is wrong
])


def gather(host: Host, settings: Settings) -> Status:
    """Look at all that `smallmail status` tells. Returns it. Raises Problem when the certificate cannot be read."""
    state = OrderedDict()  # type: OrderedDict[str, Any]
    disk = groups_host.space(host, settings.mail_directory)
    all_changes = apply.job(host, settings).changes
    wrong = _certificate_problems(host, settings)
    state["hostname"] = settings.hostname
    state["services"] = OrderedDict((name, _service(host, name)) for name in table.UNITS)
    state["ports"] = OrderedDict((str(port.number), probes.listening(port.number))
                                 for port in listening.PORTS if port.required)
    state["local_ports"] = local(port_holders.listening(host.root), state["ports"])
    state["certificate"] = _certificate(host, settings)
    state["certificate_problems"] = [finding.what for finding in wrong]
    state["queue"] = OrderedDict((name, messages(host, name)) for name in _QUEUES)
    state["disk"] = disk._asdict()
    with database.open_accounts(host) as accounts:
        state["domains"] = accounts.domains()
        state["mailboxes"] = len(accounts.mailboxes())
        state["aliases"] = len(accounts.aliases())
    state["changed_by_hand"] = [plan.describe(change) for change in plan.by_hand(all_changes)]
    state["set_aside"] = ["/" + path for path in set_aside.files(host)]
    state["to_do"] = [plan.describe(change) for change in plan.to_do(all_changes)]
    found = list(groups_host.stopped(state["services"])) + list(closed(state["ports"])) if services.managed() else []
    found += list(groups_host.full(disk)) + list(groups_host.set_aside(state["set_aside"])) + wrong
    found += findings.problems(list(groups_host.drift(all_changes)))
    state["problems"] = [finding.what for finding, _ in findings.folded(found)]
    return Status(state, found)


def local(listeners: Iterable[Listener], ports: Iterable[str]) -> List[str]:
    """Select those of these ports that programs on this host alone can reach. Returns them."""
    reachable = {}  # type: Dict[str, bool]
    for listener in listeners:
        port = str(listener.port)
        reachable[port] = reachable.get(port, False) or port_holders.is_reachable(listener)
    return [port for port in ports if reachable.get(port) is False]


def closed(ports: Dict[str, bool]) -> List[Finding]:
    """Judge whether something listens on each port. Returns a problem for each daemon whose ports are closed."""
    owners = {str(port.number): table.BY_NAME[port.daemon].unit for port in listening.PORTS}
    by_owner = OrderedDict()    # type: OrderedDict[str, List[str]]
    for port, is_open in ports.items():
        if not is_open:
            by_owner.setdefault(owners[port], []).append(port)
    return [_GROUP.problem("nothing answers on port {}".format(", ".join(numbers)), "Mail is not delivered correctly.",
                           ["systemctl status {}".format(owner)], about=[owner],
                           hides=["port " + number for number in numbers])
            for owner, numbers in by_owner.items()]


def screen(status: Status) -> str:
    """Write the state for a person. Returns the text, in lines of at most 80 columns."""
    state = status.data
    lines = _line("Host", state["hostname"])
    lines += _line("Services", ", ".join("{} {}".format(name, word) for name, word in state["services"].items()))
    lines += _line("Ports", ", ".join(
        "{} {}".format(port, _port(port in state["local_ports"], is_open)) for port, is_open in state["ports"].items()))
    lines += _line("Certificate", state["certificate"])
    lines += _line("Queue", ", ".join("{} {}".format(count, name) for name, count in state["queue"].items() if count)
                   or "empty")
    lines += _line("Disk", "{} of {} free ({})".format(
        units.size(state["disk"]["free"]), units.size(state["disk"]["size"]), state["disk"]["directory"]))
    lines += _line("Accounts", "{}, {} in {}".format(
        units.number(state["mailboxes"], "mailbox", "mailboxes"), units.number(state["aliases"], "alias", "aliases"),
        ", ".join(state["domains"])))
    by_hand = state["changed_by_hand"]
    if by_hand:
        told = by_hand if len(by_hand) <= _FEW else [groups_host.hand_made(by_hand)]
        lines += ["By hand"] + [line for each in told for line in findings.wrapped(each, "  ")]
    return "\n".join(lines + ([findings.text(status.found)] if status.found else []))


def _line(name: str, words: str) -> List[str]:
    """Write one fact behind its name. Returns the lines, the following ones indented as the first one's words."""
    return findings.wrapped("{:<13} {}".format(name, words), hanging=" " * 14)


def _port(is_local: bool, is_open: bool) -> str:
    if is_local:
        return "local"
    return "open" if is_open else "closed"


def _service(host: Host, name: str) -> str:
    return services.state(host, name) if services.managed() else "not managed here"


def _certificate(host: Host, settings: Settings) -> str:
    if not host.exists(state.CURRENT + "/fullchain.pem"):
        return "none"
    waits = settings.certificate == "letsencrypt" and (
        certificate.is_self_signed(host) or not certificate.fits(host, settings.hostname))
    return "{}, valid until {}{}".format(
        certificate.source(host), dates.minute(served.on_disk(host).until),
        "; no Let's Encrypt certificate{} yet (details: smallmail certificate status)".format(
            "" if certificate.is_self_signed(host) else " for {}".format(settings.hostname)) if waits else "")


def _certificate_problems(host: Host, settings: Settings) -> List[Finding]:
    if not host.exists(state.CURRENT + "/fullchain.pem"):
        return []
    return served.findings(host, settings) + findings.problems(rollover.findings(host, settings))


def messages(host: Host, queue: str) -> int:
    """Count the messages in a queue. Returns their number, or what was counted in as many folders as a queue has."""
    waiting, count = [_SPOOL + queue], 0
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            break
        folder = waiting.pop()
        with contextlib.suppress(OSError, walk.Diverted), walk.into(host.root, folder) as place:
            names = os.listdir(place.folder)
            # A folder has the name of one digit (hash_queue_depth, postconf(5)), a message a longer one.
            waiting += ["{}/{}".format(folder, name) for name in names if len(name) == 1]
            count += sum(len(name) > 1 for name in names)
    return count
