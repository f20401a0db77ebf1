"""Debian's own server of Redis or Valkey: stop it where nobody uses it, and start it again at a removal.

Debian's package starts a server on 127.0.0.1:6379 that asks for no password: every user of the host may read and change
what is in it. smallmail needs the program alone, for a server of its own (smallmail-redis.service).
"""
import contextlib
import hashlib
import re
import socket
import time
from collections import OrderedDict, defaultdict
from typing import Dict, Iterator, List

from smallmail.errors import EXPECTED
from smallmail.machine import services, state, state_files
from smallmail.machine.host import Failed, Host

# The packages, whose units have the same names, and where each server keeps its data.
STORES = OrderedDict([("valkey-server", "var/lib/valkey"), ("redis-server", "var/lib/redis")])

# These name a server and do not use that of Debian: we and Rspamd have smallmail's own.
_NOT_USERS = {"smallmail-server", "rspamd", "redis-tools", "valkey-tools"}
_RELATIONS = ("Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances")

# Of a package in these states, no file is on the disk that uses anything (dpkg(1), "Package states").
_GONE = {"not-installed", "config-files"}

# A server writes this file when it stops, also if it has no data.
_DUMP = "dump.rdb"

_ADDRESS = ("127.0.0.1", 6379)
_PATIENCE = 5.0     # seconds for a whole answer
_LONGEST_ANSWER = 1 << 16

Section = Dict[str, str]    # of dpkg's list, or apt's: the fields of a package


def retire(host: Host) -> List[str]:
    """Stop and disable each server that nobody uses. This is done once: what an admin enables later stays. Returns a
    sentence for each."""
    if not services.managed() or host.root != "/":
        return []
    retired = state_files.load_json(host, state.RETIRED_STORES, [])     # type: List[str]
    sentences = []
    for name in STORES:
        with contextlib.suppress(*EXPECTED):    # `smallmail check` tells of what goes on
            if name not in retired and services.state(host, name) == "active" and is_unused(host, name):
                retired = retired + [name]
                state_files.save_json(host, state.RETIRED_STORES, retired)
                host.run(["systemctl", "disable", "--now", name + ".service"])
                sentences.append("{0}.service is disabled: nothing uses it, and it listened on 127.0.0.1:6379 for all"
                                 " users of this host ('systemctl enable --now {0}' enables it)".format(name))
    return sentences


def hand_back(host: Host) -> List[str]:
    """Enable and start what retire() stopped, unless its package is gone. Returns a sentence for each that fails."""
    sentences = []
    for name in state_files.load_json(host, state.RETIRED_STORES, []):
        try:
            if services.managed() and host.root == "/" and services.is_disabled(host, name):
                host.run(["systemctl", "enable", name + ".service"])
                host.run(["deb-systemd-invoke", "start", name + ".service"])
        except Failed as error:
            sentences.append(str(error))
    host.remove(state.RETIRED_STORES)
    return sentences


def opened(host: Host) -> List[str]:
    """List the servers of Debian that run and answer without a password."""
    running = [name for name in STORES if services.state(host, name) == "active"]
    return running if running and "+PONG" in _answer(b"PING\r\nQUIT\r\n") else []


def is_unused(host: Host, name: str) -> bool:
    """Tell whether nobody uses that server, as far as can be seen: apt installed it for others, who do not use it, its
    configuration is Debian's, and it has neither data nor clients. Raises Problem or OSError."""
    sections = [section for section in _sections(host, "var/lib/dpkg/status")
                if section["Status"].rpartition(" ")[2] not in _GONE]
    own = [section for section in sections if section["Package"] == name]
    return (bool(own) and _is_automatic(host, name) and not users(own[0], sections) and is_as_packaged(host, own[0])
            and not set(host.names(STORES[name])) - {_DUMP}
            and is_idle(_answer(b"INFO clients\r\nINFO keyspace\r\nQUIT\r\n")))


def users(own: Section, sections: List[Section]) -> List[str]:
    """List the installed packages that name that package, or what it provides, as something that they use."""
    names = set(_names(own["Provides"])) | {own["Package"]}
    return [section["Package"] for section in sections if section["Package"] not in _NOT_USERS | {own["Package"]}
            and any(names.intersection(_names(section[relation])) for relation in _RELATIONS)]


def is_as_packaged(host: Host, own: Section) -> bool:
    """Tell whether nobody changed the configuration of that package, or its unit (systemd.unit(5))."""
    unit = "etc/systemd/system/{}.service".format(own["Package"])
    if host.exists(unit) or host.exists(unit + ".d"):
        return False
    for path, digest in re.findall(r"^ ?/(\S+) ([0-9a-f]{32})$", own["Conffiles"], re.MULTILINE):
        file = host.file(path)
        if file is None or hashlib.md5(file.content).hexdigest() != digest:
            return False
    return True


def is_idle(answer: str) -> bool:
    """Tell whether a server has neither data nor another client than us, given what it answers to INFO."""
    return bool(re.search(r"^connected_clients:1\r?$", answer, re.MULTILINE) and "# Keyspace" in answer
                and not re.search(r"^db\d+:", answer, re.MULTILINE))


def _is_automatic(host: Host, name: str) -> bool:
    """Tell whether apt installed the package because another one asked for it (apt-mark(8))."""
    return any(section["Package"] == name and section["Auto-Installed"] == "1"
               for section in _sections(host, "var/lib/apt/extended_states"))


def _sections(host: Host, path: str) -> Iterator[Section]:
    """Yield the fields of each package in a list of dpkg's or apt's; a field that a package does not have is empty."""
    import apt_pkg  # noqa: PLC0415

    if host.exists(path):
        with apt_pkg.TagFile(host.path(path)) as sections:
            for section in sections:
                yield defaultdict(str, dict(section))


def _names(relation: str) -> Iterator[str]:
    """Yield the packages in a field such as "a (>= 1), b:any | c" (Policy 7.1)."""
    for alternative in filter(None, re.split(r"[,|]", relation)):
        yield alternative.partition("(")[0].partition(":")[0].strip()


def _answer(questions: bytes) -> str:
    """Ask what listens on the port. Returns its answer; "" if there is none."""
    answer, end = b"", time.monotonic() + _PATIENCE
    with contextlib.suppress(OSError), socket.create_connection(_ADDRESS, _PATIENCE) as connection:
        connection.sendall(questions)
        while len(answer) < _LONGEST_ANSWER:
            connection.settimeout(max(end - time.monotonic(), 0.01))
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    return answer.decode("utf-8", "replace")
