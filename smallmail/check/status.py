"""One screen on the state of the host: what runs, what waits, what was changed by hand."""
import os
import time
from collections import OrderedDict
from typing import Any, Dict, List

from smallmail import findings
from smallmail.accounts import opened
from smallmail.check import condition
from smallmail.configuration import apply, plan, set_aside
from smallmail.daemons import listening, table
from smallmail.errors import Problem
from smallmail.machine import probes, services
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, rollover, served

_QUEUES = ("incoming", "active", "deferred", "hold", "maildrop")


def gather(host: Host, settings: Settings) -> "OrderedDict[str, Any]":
    """All that `smallmail status` tells, in the order of telling."""
    state = OrderedDict()  # type: OrderedDict[str, Any]
    state["hostname"] = settings.hostname
    state["services"] = OrderedDict((name, _service(host, name)) for name in table.UNITS)
    state["ports"] = OrderedDict((str(port.number), probes.listening(port.number))
                                 for port in listening.PORTS if port.required)
    state["certificate"] = _certificate(host, settings)
    state["certificate problems"] = _certificate_problems(host, settings)
    state["queue"] = OrderedDict((name, _count(host.path("var/spool/postfix/" + name))) for name in _QUEUES)
    state["disk"] = _disk(host, settings)
    with opened.open_accounts(host) as database:
        state["domains"] = database.domains()
        state["mailboxes"] = len(database.mailboxes())
        state["aliases"] = len(database.aliases())
    all_changes = apply.job(host, settings).changes
    state["changed by hand"] = [plan.describe(change) for change in plan.by_hand(all_changes)]
    state["set aside"] = ["/" + path for path in set_aside.files(host)]
    state["to do"] = [plan.describe(change) for change in plan.to_do(all_changes)]
    return state


def problems(state: Dict[str, Any]) -> List[str]:
    """What is not as it should be, one sentence each."""
    room = condition.Space(**state["disk"])
    found = list(condition.full(room)) + list(condition.set_aside(state["set aside"]))
    sentences = []
    if services.managed():
        found = list(condition.stopped(state["services"])) + found
        sentences += ["nothing answers on port {}".format(port) for port, open_ in state["ports"].items() if not open_]
    sentences += state["certificate problems"]
    if state["to do"]:
        sentences.append(
            "not all is as the settings say ({}): 'smallmail plan' shows how, 'smallmail apply' does it"
            .format(len(state["to do"])))
    return [findings.sentence(finding) for finding in found] + sentences


def screen(state: Dict[str, Any]) -> str:
    """The state for a human eye."""
    lines = ["Host          " + state["hostname"]]
    lines.append("Services      " + ", ".join("{} {}".format(name, word) for name, word in state["services"].items()))
    lines.append("Ports         " + ", ".join(
        "{} {}".format(port, "open" if open_ else "closed") for port, open_ in state["ports"].items()))
    lines.append("Certificate   " + state["certificate"])
    lines.append("Queue         " + (", ".join("{} {}".format(count, name) for name, count in state["queue"].items()
                                               if count) or "empty"))
    lines.append("Disk          {} MiB free of {} under {}".format(
        state["disk"]["free"] >> 20, state["disk"]["size"] >> 20, state["disk"]["directory"]))
    lines.append("Accounts      {} mailboxes and {} aliases in {}".format(
        state["mailboxes"], state["aliases"], ", ".join(state["domains"])))
    if state["changed by hand"]:
        lines += ["By hand"] + ["  " + line for line in state["changed by hand"]]
    lines += ["Problem: " + sentence for sentence in problems(state)]
    return "\n".join(lines)


def _service(host: Host, name: str) -> str:
    return services.state(host, name) if services.managed() else "not managed here"


def _certificate(host: Host, settings: Settings) -> str:
    path = certificate.CURRENT + "/fullchain.pem"
    if not host.exists(path):
        return "none"
    try:
        until = host.run(["openssl", "x509", "-noout", "-enddate", "-in", host.path(path)]).strip().partition("=")[2]
    except Failed as error:
        raise Problem("the certificate can't be read: {}".format(error))
    waits = settings.certificate == "letsencrypt" and certificate.is_self_signed(host)
    return "{}, valid until {}{}".format(
        certificate.source(host), until,
        "; none from Let's Encrypt yet: 'smallmail certificate status'" if waits else "")


def _certificate_problems(host: Host, settings: Settings) -> List[str]:
    if not host.exists(certificate.CURRENT + "/fullchain.pem"):
        return []
    waits = findings.problems(rollover.findings(host, settings))
    return served.problems(served.on_disk(host), served.by_port(host, settings.hostname), time.time()) + [
        "{}: add {}".format(finding.what, finding.type) for finding in waits]


def _count(folder: str) -> int:
    """The files below a queue folder: its messages (qshape(1) counts the same way)."""
    return sum(len(names) for _, _, names in os.walk(folder))


def _disk(host: Host, settings: Settings) -> Dict[str, Any]:
    return condition.space(host, settings.mail_directory)._asdict()
