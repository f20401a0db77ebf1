"""Serve Dovecot with what is remembered on the disk: the loop of smallmail-bans.service."""
import json
import signal
import socket
import time
from collections import OrderedDict
from typing import Any, Dict, List

from smallmail.bans import book, clients, orders
from smallmail.bans.judge import Judge, Try
from smallmail.bans.reports import Login, Reports
from smallmail.bans.server import Server
from smallmail.machine import addresses, dates, state
from smallmail.machine.file import File
from smallmail.machine.host import Host

# Seconds: how often the admin's files are looked at, good logins are written, and the list of bans is written again
# although nothing changed: if another program emptied nftables, they are put there again. And how often nftables is
# told of new clients with a good login; and after which time the list is written once more, because systemd misses a
# change in the moment when `run packets` ends.
_LOOK, _SAVE, _AGAIN, _TELL, _SURELY = 1.0, 60.0, 900.0, 5.0, 4.0

# Why Dovecot refused a login (auth_policy_request_attributes, fail_type), if it was not the password; before 2.4 it
# does not say.
_NOT_THE_PASSWORD = ("internal", "policy", "expired", "disabled")


class Serving:
    """The judge, with all that it is told and all that it remembers."""

    def __init__(self, host: Host, cores: int) -> None:
        self._host = host
        self._orders, self._never = orders.load(host), orders.never(host)
        self._seen = self._files()
        self.judge = Judge(self._is_exempt, cores)
        self.judge.bans.update(book.load(host))
        self._load_logins()
        self._written, self._is_changed = 0.0, True
        self._known, self._told = set(book.known(host)), 0.0
        self._again = 0.0
        self._reports = Reports(host.path(state.LOGINS_SOCKET))
        self._follow()

    def answer(self, command: str, values: Dict[str, Any]) -> int:
        """Answer one question of Dovecot's. Returns the status for it."""
        now = time.time()
        tried = Try(_text(values, "remote"), _text(values, "login"), _text(values, "pwhash")[:64])
        if command == "allow":
            return -1 if self._is_ordered(tried.remote) else self.judge.allow(tried, now)
        if command == "report":
            if values.get("success") is True:
                self._tell(tried, _text(values, "protocol"), now)
            wrong = not values.get("policy_reject") and _text(values, "fail_type") not in _NOT_THE_PASSWORD
            self.judge.report(tried, values.get("success") is True, wrong, now)
        return 0

    def look(self, now: float) -> None:
        """Tell of good logins, follow the admin's files, end bans, and write the list if it changed."""
        self._reports.send()
        files = self._files()
        if files != self._seen:
            self._seen = files
            self._orders, self._never = orders.load(self._host), orders.never(self._host)
            self._follow()
        for ban in self.judge.fresh:
            print("{} is banned until {}: {} different tries".format(ban.client, dates.minute(ban.until), ban.tries),
                  flush=True)
            self._is_changed = True
        self.judge.fresh.clear()
        known = {client for client, names in self.judge.households.items() if names}
        if known != self._known and not now - _TELL < self._told <= now:
            book.save_known(self._host, known)
            self._known, self._told, self._is_changed = known, now, True
        self._write(now)

    def save(self, now: float) -> None:
        """Write the good logins, and forget what is old."""
        self.judge.forget(now)
        value = {"households": self.judge.households, "passwords": self.judge.passwords}
        self._host.write(state.BANS_LOGINS, File(json.dumps(value).encode("ascii"), 0o600, state.BANS_USER,
                                                 state.BANS_USER))

    def _write(self, now: float) -> None:
        """Write the list of bans, if there is something new: nftables gets it then, and the known clients with it."""
        live = book.in_force(self.judge.bans.values(), now)
        is_new = self._is_changed or any(self._written < ban.until <= now for ban in self.judge.bans.values())
        if is_new or 0 < self._again <= now or (live and not now - _AGAIN < self._written <= now):
            book.save(self._host, self.judge.bans.values())
            self._written, self._is_changed, self._again = now, False, now + _SURELY if is_new else 0.0

    def _tell(self, tried: Try, protocol: str, now: float) -> None:
        """Let the mailbox's owner know of a good login, if its network is new; this host's own programs are not."""
        found = clients.address(tried.remote)
        if found is not None and not addresses.is_here(str(found)):
            self._reports.add(Login(tried.login.strip().lower(), str(found), protocol, now))

    def _follow(self) -> None:
        """Drop the bans that the admin lifted, or whose networks are never banned."""
        for client, ban in list(self.judge.bans.items()):
            if orders.is_lifted(self._orders, ban) or clients.overlap(clients.network(client), self._never):
                self.judge.lift(client)
                self._is_changed = True

    def _is_exempt(self, remote: str) -> bool:
        found = clients.address(remote)
        if found is None:
            return True
        return found.is_loopback or clients.overlap(clients.network(str(found)), self._never) \
            or addresses.is_here(str(found))

    def _is_ordered(self, remote: str) -> bool:
        found = clients.address(remote)
        return found is not None and clients.overlap(clients.network(str(found)),
                                                     clients.networks(self._orders.added)) \
            and not self._is_exempt(remote)

    def _files(self) -> List[str]:
        return [self._host.text(path) for path in (state.BANS_ORDERS, state.BANS_NEVER)]

    def _load_logins(self) -> None:
        """Read the good logins; if the file is lost, each client is new again."""
        try:
            value = json.loads(self._host.text(state.BANS_LOGINS))
            for client, names in value["households"].items():
                self.judge.households[str(client)] = {str(name): float(when) for name, when in names.items()}
            self.judge.passwords.update(OrderedDict((str(name), str(bits))
                                                    for name, bits in value["passwords"].items()))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return


def loop(host: Host, listening: socket.socket, cores: int) -> None:
    """Serve until systemd ends it."""
    ended = []      # type: List[int]
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    serving = Serving(host, cores)
    server = Server(listening, host.text(state.BANS_KEY).strip(), serving.answer)
    looked = saved = 0.0
    while not ended:
        now = time.monotonic()
        if now - looked >= _LOOK:
            serving.look(time.time())
            looked = now
        if now - saved >= _SAVE:
            serving.save(time.time())
            saved = now
        server.serve(now, _LOOK)
    serving.save(time.time())
    server.close()


def _text(values: Dict[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""
