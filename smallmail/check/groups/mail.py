"""The check of the way that mail takes on this host: what waits, whether each daemon answers the next one, and what
port 25 says to a recipient. No message is made."""
import ipaddress
import json
import smtplib
import socket
import time
import uuid
from typing import Dict, Iterator, List, Optional, Union

from smallmail.accounts import opened
from smallmail.check.probes import queue
from smallmail.daemons import rspamd_controller
from smallmail.daemons.redis import REDIS
from smallmail.daemons.rspamd import MILTER
from smallmail.findings import Finding, Group
from smallmail.machine import addresses, probes, services
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

_GROUP = Group("mail")
_PATIENCE = 15.0
_NEARLY = 90        # per cent of a quota
_STORE = "run/smallmail-redis/redis.sock"

# Dovecot's ends of the sockets on which Postfix asks it.
_SOCKETS = ["private/dovecot-lmtp", "private/dovecot-auth", "private/dovecot-quota-status"]

# A message that every Rspamd refuses, and learns nothing from: GTUBE.
_SPAM = (b"Subject: smallmail check\r\nFrom: check@example.net\r\n\r\n"
         b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")
_STRANGER = "check@example.com"     # RFC 2606, 3: nobody's
_Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_WIDE = {4: 12, 6: 28}      # bits; nobody who needs this program has more
_FEW = 3    # unknown recipients in a conversation: Postfix slows down and ends one with many (smtpd_soft_error_limit)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """All of the group."""
    yield from _GROUP.all_of(_queue(host))
    if not services.managed():
        return
    with opened.open_accounts(host) as database:
        domains, aliases = database.domains(), [alias.address for alias in database.aliases()]
        limited = bool(settings.quota) or any(mailbox.quota for mailbox in database.mailboxes())
    parts = [_quotas(host)] if limited else []
    yield from _GROUP.all_of(_scanner(host), _dovecot(host), _port_25(host, domains, aliases), *parts)


def _queue(host: Host) -> Iterator[Finding]:
    patience = seconds(_lines(host, ["postconf", "-h", "delay_warning_time"]).strip())
    waiting = queue.messages(_lines(host, ["postqueue", "-j"]))
    yield from queue.findings(waiting, time.time(), patience)


def _scanner(host: Host) -> Iterator[Finding]:
    yield from scanner(_verdict(host), probes.connects(host.path(MILTER)))
    if b"+PONG" not in _asked(host.path(_STORE), b"PING\r\n"):
        yield _GROUP.problem("Rspamd's store ({}) does not answer".format(REDIS.unit), "Nothing is learned, and"
                             " greylisting does not work.", "systemctl restart {}".format(REDIS.unit))


def _dovecot(host: Host) -> Iterator[Finding]:
    yield from dovecot([name for name in _SOCKETS if not probes.connects(host.path("var/spool/postfix/" + name))])


def _port_25(host: Host, domains: List[str], aliases: List[str]) -> Iterator[Finding]:
    known = ["postmaster@" + domain for domain in domains]
    unknown = ["no-such-{}@{}".format(uuid.uuid4().hex[:12], domain) for domain in domains
               if "@" + domain not in aliases][:_FEW]
    yield from door(_replies("127.0.0.1", "", known + unknown), known, unknown)
    networks = _lines(host, ["postconf", "-h", "mynetworks"])
    yield from too_wide(networks)
    for own in filter(None, map(addresses.leaving, ("A", "AAAA"))):
        if not is_trusted(own, networks):
            yield from relaying(own, _replies(own, own, [_STRANGER]).get(_STRANGER, ""))


def _quotas(host: Host) -> Iterator[Finding]:
    yield from quotas(_lines(host, ["sh", "-c", "doveadm -f tab quota get -A 2>/dev/null || true"]))


def seconds(text: str) -> float:
    """A time of Postfix's (postconf(5)) in seconds; for ever where it is 0, which switches the warning off."""
    count, unit = (text[:-1], text[-1:]) if text[-1:] in _SECONDS else (text, "h")
    return float(count) * _SECONDS[unit] if count.isdigit() and int(count) else float("inf")


def quotas(table: str) -> Iterator[Finding]:
    """The mailboxes that are full, or nearly so: 'doveadm -f tab quota get -A' (doveadm-quota(1))."""
    for fields in (line.split("\t") for line in table.splitlines()[1:]):
        if len(fields) >= 6 and fields[-4] == "STORAGE" and fields[-2].isdigit() and fields[-1].isdigit():
            if int(fields[-1]) >= 100:
                yield _GROUP.problem("the mailbox {} is full".format(fields[0]), "Mail for it is refused: {} MiB of {}."
                                     .format(int(fields[-3]) >> 10, int(fields[-2]) >> 10),
                                     "delete mail, or set the setting 'quota' higher")
            elif int(fields[-1]) >= _NEARLY:
                yield _GROUP.note("the mailbox {} is nearly full".format(fields[0]))


def scanner(verdict: str, milter: bool) -> Iterator[Finding]:
    """Whether Rspamd does its work. `verdict`: its answer to a message that is spam by agreement, in JSON."""
    fix = "systemctl status rspamd\njournalctl -u rspamd\nsystemctl restart rspamd"
    if not milter:
        yield _GROUP.problem("Rspamd does not answer Postfix", "Mail waits until it does.", fix)
    try:
        action = json.loads(verdict).get("action") if verdict else ""
    except ValueError:
        action = None
    if action == "":
        yield _GROUP.problem("Rspamd's controller does not answer", "Nothing is learned from Junk folders.", fix)
    elif action != "reject":
        yield _GROUP.problem("Rspamd does not find spam in a message that is spam by agreement (GTUBE)",
                             "It says: {}".format(verdict[:200]), fix)


def dovecot(dead: List[str]) -> Iterator[Finding]:
    """The sockets on which Dovecot should serve Postfix, and does not."""
    if dead:
        yield _GROUP.problem("Dovecot does not answer Postfix on {}".format(" and ".join(dead)),
                             "Mail for the mailboxes here waits, and nobody can send.",
                             "systemctl status dovecot\njournalctl -u dovecot\nsystemctl restart dovecot")


def door(replies: Dict[str, str], known: List[str], unknown: List[str]) -> Iterator[Finding]:
    """What port 25 says to recipients. `replies`: by recipient, its code and words; "" is for what it said before."""
    why, log = "A message was not sent; the conversation ended before.", "journalctl -u 'postfix*'"
    if replies.get(""):
        yield _GROUP.problem("port 25 takes no mail", "It says: {}".format(replies[""]), log)
        return
    for address in known:
        if not replies.get(address, "").startswith("250"):
            yield _GROUP.problem("mail for {} is not taken".format(address), "Postfix says: {}. {}".format(
                replies.get(address, ""), why), "smallmail alias add {} ADDRESS\n{}".format(address, log))
    for address in unknown:
        if replies.get(address, "").startswith("250"):
            yield _GROUP.problem("mail for addresses in {} that do not exist is taken".format(
                address.partition("@")[2]), "It can only be sent back, to senders that are forged: others will call"
                " this host a source of spam.", "smallmail plan\npostconf -n smtpd_recipient_restrictions")


def relaying(own: str, reply: str) -> Iterator[Finding]:
    """Whether others may send through this host to anybody. `reply`: to a stranger's address, asked from our own."""
    if reply.startswith("250"):
        yield _GROUP.problem("this host is an open relay", "Asked at {}, it took mail for {}: everybody may send spam"
                             " through it.".format(own, _STRANGER),
                             "smallmail plan\npostconf -n smtpd_relay_restrictions mynetworks")


def is_trusted(own: str, networks: str) -> bool:
    """Whether mynetworks (postconf(5)) lets that address send to anybody, as far as can be read here."""
    return any(network is None or ipaddress.ip_address(own) in network for network in _networks(networks))


def too_wide(networks: str) -> Iterator[Finding]:
    """The networks in mynetworks that are larger than anybody's own: half the world is in them."""
    for network in _networks(networks):
        if network and network.prefixlen < _WIDE[network.version] and addresses.is_public(str(network.network_address)):
            yield _GROUP.problem("mynetworks lets all of {} send to anybody".format(network), "That is an open relay:"
                                 " spam comes through it, and this host on block lists.",
                                 "postconf -n mynetworks\nsmallmail apply --replace mynetworks")


def _networks(text: str) -> Iterator[Optional[_Network]]:
    """The networks of such a list; None for what is a table, a file or an exception."""
    for word in text.replace(",", " ").split():
        try:
            yield ipaddress.ip_network(word.replace("[", "").replace("]", ""), strict=False)
        except ValueError:
            yield None


def _replies(address: str, source: str, recipients: List[str]) -> Dict[str, str]:
    """What port 25 there says to each recipient; under "" why it says nothing to any."""
    said = {}   # type: Dict[str, str]
    try:
        with smtplib.SMTP(address, 25, "localhost", _PATIENCE, (source, 0) if source else None) as connection:
            connection.ehlo_or_helo_if_needed()
            code, words = connection.mail("<>")
            if code != 250:
                return {"": _reply(code, words)}
            for recipient in recipients:
                said[recipient] = _reply(*connection.rcpt(recipient))
            connection.rset()
    except (OSError, smtplib.SMTPException) as error:
        return said or {"": str(error)}
    return said


def _reply(code: int, words: bytes) -> str:
    return "{} {}".format(code, words.decode("utf-8", "replace").replace("\n", " "))


def _verdict(host: Host) -> str:
    """What Rspamd says to a message that is spam by agreement; empty when it says nothing."""
    try:
        return rspamd_controller.scanned(host, _SPAM)[1]
    except rspamd_controller.TROUBLES:
        return ""


def _asked(path: str, question: bytes) -> bytes:
    """What who listens on a unix socket says until he hangs up, or for a line."""
    said = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(path)
            connection.sendall(question)
            part = connection.recv(65536)
            while part:
                said += part
                part = connection.recv(65536) if not said.startswith(b"+") else b""
        except OSError:
            pass
    return said


def _lines(host: Host, command: List[str]) -> str:
    return host.run(["timeout", "30"] + command)
