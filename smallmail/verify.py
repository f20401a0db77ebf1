"""Asking the daemons themselves: would they take this configuration, and do they serve now."""
import contextlib
import functools
import re
import socket
import ssl
import time
from typing import Callable, List, NamedTuple

from smallmail import ports, services
from smallmail.errors import Problem
from smallmail.host import Failed, Host

Port = NamedTuple("Port", [
    ("number", int),
    ("service", str),
    ("tls", bool),          # from the first byte on
    ("greeting", bytes),    # what is said first to whoever connects
    ("farewell", bytes),
])

PORTS = [
    Port(25, "postfix", False, b"220", b"QUIT\r\n"),
    Port(465, "postfix", True, b"220", b"QUIT\r\n"),
    Port(587, "postfix", False, b"220", b"QUIT\r\n"),
    Port(993, "dovecot", True, b"* OK", b"x LOGOUT\r\n"),
    Port(11334, "rspamd", False, b"", b""),
]
MILTER = "var/spool/postfix/smallmail/milter.sock"
_PROXY = ["etc/rspamd/local.d/worker-proxy.inc", "etc/rspamd/override.d/worker-proxy.inc"]

# Rspamd answers up to 30 s after its unit is "active": it compiles its patterns first. The others are there at once,
# and an apply that is to be taken back should not keep mail waiting.
_SECONDS = {"rspamd": 90.0, "dovecot": 15.0, "postfix": 15.0}

# How long one daemon may take to greet, in seconds, before it is asked again.
_GREETING = 10.0



class Refused(Problem):
    """A daemon does not take a configuration; the message carries what it said."""

    def __init__(self, daemon: str, words: str) -> None:
        super().__init__(words)
        self.daemon = daemon


def judge(stage: Host, daemon: str) -> None:
    """Let that daemon judge the staged configuration, which this may adapt to where it stands; raises Refused with its
    words."""
    if daemon not in _QUESTIONS or not stage.exists("etc/" + daemon):
        return      # certbot, too, reads a file of ours
    try:
        _QUESTIONS[daemon](stage)
    except Failed as error:
        raise Refused(daemon, str(error).replace(stage.root + "/", "/"))


def _judge_postfix(stage: Host) -> None:
    """postfix(1) check, on the staged folder."""
    if stage.exists("etc/mailname"):
        # main.cf names it by its full path, where it may not stand yet.
        stage.run(["postconf", "-c", stage.path("etc/postfix"), "-e", "myorigin=" + stage.path("etc/mailname")])
    command = ["postfix", "-c", stage.path("etc/postfix"), "check"]
    try:
        stage.run(command)
    except Failed as error:
        # Some versions tell a terminal only what is wrong, and else the log: script(1) is one, and in every Debian.
        said = str(error).partition("failed: ")[2]
        raise Failed("'postfix check' failed: {}".format(_for_a_terminal(stage, command) if said.isdigit() else said))


def _for_a_terminal(stage: Host, command: List[str]) -> str:
    """What a command that fails says to a terminal."""
    try:
        return stage.run(["script", "-qec", " ".join(command), "/dev/null"])
    except Failed as error:
        return str(error).partition("failed: ")[2].replace("\r", "")


def _judge_dovecot(stage: Host) -> None:
    """doveconf(1) reads the whole configuration and ends with an error where it does not understand it."""
    stage.run(["doveconf", "-n", "-c", stage.path("etc/dovecot/dovecot.conf")])


def _judge_rspamd(stage: Host) -> None:
    """rspamadm(1) configtest, with Rspamd's own variables for its folders pointed at the stage."""
    folder = stage.path("etc/rspamd")
    stage.run(["rspamadm", "--var=CONFDIR=" + folder, "--var=LOCAL_CONFDIR=" + folder, "configtest", "-c",
               folder + "/rspamd.conf"])
    # It would be content to listen somewhere else, and Postfix would put off all mail.
    elsewhere = _elsewhere(stage)
    if elsewhere:
        raise Failed(elsewhere)


def _elsewhere(host: Host) -> str:
    """The sentence on a file that keeps Rspamd from listening where Postfix asks it; empty when there is none.
    (Rspamd's own configdump would tell, but asks the DNS first.)"""
    ours, override = (re.sub(r"(?m)^\s*#.*$", "", host.text(path)) for path in _PROXY)
    sentence = "/{} keeps Rspamd from listening on /{}, where Postfix asks it"
    if re.search(r"(?m)^\s*bind_socket\b", override):
        return "" if MILTER in override else sentence.format(_PROXY[1], MILTER)
    return "" if MILTER in ours else sentence.format(_PROXY[0], MILTER)


_QUESTIONS = {
    "postfix": _judge_postfix,
    "dovecot": _judge_dovecot,
    "rspamd": _judge_rspamd,
}


def serving(host: Host) -> None:
    """Wait until each daemon that runs answers; raises Problem naming those that do not in their time.

    Where nothing may be started (a chroot, policy-rc.d) there is nobody to ask, and that is no fault.
    """
    failed = services.failures(host)
    if failed:
        raise Problem("{} did not start: 'journalctl -u {}' says why".format(" and ".join(failed), failed[0]))
    questions = [(port.service, "port {}".format(port.number), functools.partial(greets, port)) for port in PORTS]
    questions.append(("rspamd", "its milter socket", functools.partial(connects, host.path(MILTER))))
    missing = []
    for daemon in ("rspamd", "dovecot", "postfix"):     # whose greeting may wait for the others
        deadline = time.monotonic() + _SECONDS[daemon]
        running = services.active(host, daemon)
        missing += ["{} does not answer as it should on {}".format(daemon, what)
                    for service, what, question in questions
                    if running and service == daemon and not _until(question, deadline)]
    if missing:
        raise Problem("; ".join(filter(None, missing + [_elsewhere(host)])))


def listening(number: int) -> bool:
    """Whether something on this host takes connections on that TCP port, at whatever address."""
    return bool(ports.address(number))


def any_certificate() -> ssl.SSLContext:
    """For talking TLS to our own daemons: whose certificate it is, is another question."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def greets(port: Port, address: str = "") -> bool:
    """Whether the daemon behind that port says what it should to whoever connects, there or wherever it listens."""
    address = address or ports.address(port.number)
    if not address:
        return False
    with contextlib.suppress(OSError), socket.create_connection((address, port.number), _GREETING) as plain, \
            any_certificate().wrap_socket(plain) if port.tls else plain as connection:
        if not port.greeting or connection.recv(len(port.greeting)) == port.greeting:
            connection.sendall(port.farewell)
            return True
    return False


def connects(path: str) -> bool:
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
