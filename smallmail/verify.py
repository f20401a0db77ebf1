"""Asking the daemons themselves: would they take this configuration, and do they serve now."""
import contextlib
import socket
import time
from typing import Callable, NamedTuple

from smallmail import services
from smallmail.errors import Problem
from smallmail.host import Failed, Host

Port = NamedTuple("Port", [("number", int), ("service", str), ("what", str)])

PORTS = [
    Port(25, "postfix", "mail from other servers"),
    Port(465, "postfix", "submission (TLS)"),
    Port(587, "postfix", "submission (STARTTLS)"),
    Port(993, "dovecot", "IMAP (TLS)"),
    Port(11334, "rspamd", "Rspamd's web page"),
]
MILTER = "var/spool/postfix/smallmail/milter.sock"

# Rspamd answers up to 30 s after its unit is "active": it compiles its patterns first.
_SECONDS = 90.0

_LISTEN = "0A"  # the kernel's TCP_LISTEN


class Refused(Problem):
    """A daemon does not take a configuration; the message carries what it said."""

    def __init__(self, daemon: str, words: str) -> None:
        super().__init__(words)
        self.daemon = daemon


def judge(stage: Host, daemon: str) -> None:
    """Let that daemon judge the staged configuration, which this may adapt to where it stands; raises Refused with its
    words."""
    if not stage.exists("etc/" + daemon):
        return
    try:
        _QUESTIONS[daemon](stage)
    except Failed as error:
        raise Refused(daemon, str(error).replace(stage.root + "/", "/"))


def _judge_postfix(stage: Host) -> None:
    """postfix(1) check, on the staged folder."""
    if stage.exists("etc/mailname"):
        # main.cf names it by its full path, where it may not stand yet.
        stage.run(["postconf", "-c", stage.path("etc/postfix"), "-e", "myorigin=" + stage.path("etc/mailname")])
    stage.run(["postfix", "-c", stage.path("etc/postfix"), "check"])


def _judge_dovecot(stage: Host) -> None:
    """doveconf(1) reads the whole configuration and ends with an error where it does not understand it."""
    stage.run(["doveconf", "-n", "-c", stage.path("etc/dovecot/dovecot.conf")])


def _judge_rspamd(stage: Host) -> None:
    """rspamadm(1) configtest, with Rspamd's own variables for its folders pointed at the stage."""
    folder = stage.path("etc/rspamd")
    stage.run(["rspamadm", "--var=CONFDIR=" + folder, "--var=LOCAL_CONFDIR=" + folder, "configtest", "-c",
               folder + "/rspamd.conf"])


_QUESTIONS = {
    "postfix": _judge_postfix,
    "dovecot": _judge_dovecot,
    "rspamd": _judge_rspamd,
}


def serving(host: Host, seconds: float = _SECONDS) -> None:
    """Wait until each daemon that runs answers; raises Problem naming those that do not in that time.

    Where nothing may be started (a chroot, policy-rc.d) there is nobody to ask, and that is no fault.
    """
    failed = services.failures(host)
    if failed:
        raise Problem("{} did not start: 'journalctl -u {}' says why".format(" and ".join(failed), failed[0]))
    questions = [(port.service, "port {}".format(port.number), _port_question(port.number)) for port in PORTS]
    questions.append(("rspamd", "its milter socket", lambda: _connects(host.path(MILTER))))
    running = {service for service in services.DAEMONS if services.active(host, service)}
    deadline = time.monotonic() + seconds
    missing = []
    for service, what, question in questions:
        if service in running and not _until(question, deadline):
            missing.append("{} does not answer on {}".format(service, what))
    if missing:
        raise Problem("; ".join(missing))


def listening(number: int) -> bool:
    """Whether something on this host takes connections on that TCP port, at whatever address (proc(5), net/tcp)."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError), open(table, encoding="ascii") as stream:
            for fields in (line.split() for line in stream):
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == number:
                    return True
    return False


def _port_question(number: int) -> Callable[[], bool]:
    return lambda: listening(number)


def _connects(path: str) -> bool:
    """Whether a process takes connections on that unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(path)
        except OSError:
            return False
        return True


def _until(question: Callable[[], bool], deadline: float) -> bool:
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
