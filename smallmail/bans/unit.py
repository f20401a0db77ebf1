"""Prepare the daemon's files and start it, look whether it runs, and undo all that at a removal."""
import binascii
import contextlib
import os
from typing import Dict, Iterator, List

from smallmail.bans import book, packets, server
from smallmail.errors import EXPECTED
from smallmail.findings import Finding, Group
from smallmail.machine import services, state, state_files
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings

_UNITS = ["smallmail-bans.socket", "smallmail-bans-packets.path", "smallmail-bans.service"]
_PACKETS = "smallmail-bans-packets.service"

# On this port of loopback systemd listens for the daemon (smallmail-bans.socket). Below 1024, so that no other user can
# take it and hear who logs in.
_URL = "http://127.0.0.1:{}/".format(server.PORT)

_GROUP = Group("host")


def prepare(host: Host, settings: Settings) -> Iterator[str]:
    """Create the key that Dovecot and the daemon share, write down who is never banned, and start the daemon."""
    state_files.make_folder(host, state.BANS)
    key = host.text(state.BANS_KEY).strip()
    if not key or not host.exists(state.BANS_CONF):
        key = _random()
        state_files.write(host, state.BANS_KEY, key + "\n")
        state_files.write(host, state.BANS_CONF, _dovecots(key, _random()))
    state_files.write(host, state.BANS_NEVER, "".join(network + "\n" for network in settings.bans_never))
    if services.managed() and host.root == "/":
        # Dovecot goes on without it, so mail must not wait for it: `smallmail check` says that it does not run.
        with contextlib.suppress(Failed):
            host.run(["deb-systemd-invoke", "start"] + _UNITS)
    yield from ()


def hand_back(host: Host) -> List[str]:
    """Stop the daemon, and remove the bans from nftables. Returns a sentence if that failed."""
    try:
        if services.managed() and host.root == "/":
            host.run(["systemctl", "stop"] + _UNITS)
        packets.remove(host)
    except Failed as error:
        return [str(error)]
    return []


def findings(host: Host, _: Settings) -> Iterator[Finding]:
    """Check that guessers are kept out. Yields what was found."""
    if services.managed():
        states = {unit: services.state(host, unit) for unit in _UNITS + [_PACKETS]}
        yield from judged(states, packets.hindrance(host))
        yield from readable(host)


def readable(host: Host) -> Iterator[Finding]:
    """Yield a problem if the daemon's list of bans cannot be read: it belongs to the daemon's user."""
    try:
        book.load(host)
    except EXPECTED as error:
        yield unreadable(str(error))


def unreadable(why: str) -> Finding:
    """Return the problem that the list cannot be read."""
    return _GROUP.problem("the list of bans cannot be read", why + ". Banned addresses are refused at the login only.",
                          ["systemctl restart smallmail-bans"])


def judged(states: Dict[str, str], hindrance: str) -> Iterator[Finding]:
    """Judge what systemd calls the states of the units. Yields what was found."""
    listening, _, daemon = _UNITS
    if states[listening] != "active":
        yield _GROUP.problem("{} does not listen".format(listening), "Dovecot logs an error at each login, and an"
                             " address that guesses passwords is not banned.", ["systemctl start {}".format(listening)])
    elif states[daemon] == "failed":
        yield _GROUP.problem("{} has failed".format(daemon), "An address that guesses passwords is not banned.",
                             ["journalctl -n 20 -u {}".format(daemon), "systemctl restart {}".format(daemon)])
    if hindrance:
        yield _GROUP.note("banned addresses are refused at the login only, not at all ports of mail: "
                          + hindrance)
    elif states[_PACKETS] == "failed":
        yield _GROUP.problem("nftables does not take the bans", "Banned addresses are refused at the login only.",
                             ["journalctl -n 20 -u {}".format(_PACKETS)])


def _dovecots(key: str, nonce: str) -> str:
    """Write what Dovecot is to know and other users are not: with the key, anybody could have any address banned."""
    return ("# Made by smallmail. conf.d/95-smallmail-bans.conf includes it, if the reader may read it.\n"
            "auth_policy_server_url = {}\nauth_policy_server_api_header = {}\n"
            "auth_policy_hash_nonce = {}\n".format(_URL, key, nonce))


def _random() -> str:
    return binascii.hexlify(os.urandom(24)).decode("ascii")
