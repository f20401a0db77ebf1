"""Check the way of mail through this host: what waits, whether each daemon answers the next one, and what port 25 says
to a recipient. No message is sent."""
import contextlib
import ipaddress
import smtplib
import time
import uuid
from typing import Any, Dict, Iterator, List, Optional, Union  # noqa: F401 (in a type comment)

from smallmail.accounts import database
from smallmail.check import units
from smallmail.check.probes import queue
from smallmail.daemons import rspamd_controller
from smallmail.daemons.dovecot import DOVECOT
from smallmail.daemons.own import REDIS
from smallmail.daemons.postfix import POSTFIX
from smallmail.daemons.rspamd import MILTER, RSPAMD
from smallmail.findings import Finding, Group
from smallmail.machine import addresses, probes, services, state, state_files
from smallmail.machine.host import Host
from smallmail.settings import values
from smallmail.settings.fields import Settings

_GROUP = Group("mail")
_PATIENCE = 15.0
_LONGEST_ANSWER = 65536
_NEARLY = 90        # per cent of a quota
_STORE = "run/smallmail-redis/redis.sock"

# The sockets on which Dovecot answers Postfix.
_SOCKETS = ["private/dovecot-lmtp", "private/dovecot-auth", "private/dovecot-quota-status"]

# A message that every Rspamd refuses, and learns nothing from: GTUBE.
_SPAM = (b"Subject: smallmail check\r\nFrom: check@example.net\r\n\r\n"
         b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")
_STRANGER = "check@example.com"     # RFC 2606, 3: nobody has it
_Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_WIDE = {4: 12, 6: 28}      # bits; an organisation with a larger network does not use this program
_FEW = 3    # unknown recipients in a conversation: Postfix slows down and ends one with many (smtpd_soft_error_limit)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check all of the group. Yields what was found."""
    yield from _GROUP.all_of(_queue(host), unconverted(state_files.load_json(host, state.UNCONVERTED, [])),
                             relayhost(settings))
    if not services.managed():
        return
    with database.open_accounts(host) as accounts:
        domains, aliases = accounts.domains(), [alias.address for alias in accounts.aliases()]
        limited = bool(settings.quota) or any(mailbox.quota for mailbox in accounts.mailboxes())
    parts = [_quotas(host)] if limited else []
    yield from _GROUP.all_of(_scanner(host), _dovecot(host), _port_25(host, domains, aliases), *parts)


def _queue(host: Host) -> Iterator[Finding]:
    patience = seconds(_lines(host, ["postconf", "-h", "delay_warning_time"]).strip())
    waiting = queue.messages(_lines(host, ["postqueue", "-j"]))
    yield from queue.judge(waiting, time.time(), patience)


def relayhost(settings: Settings) -> Iterator[Finding]:
    """Judge whether Postfix can send the password to the relayhost. Yields what is wrong."""
    name = settings.relayhost.partition("]")[0].lstrip("[")
    if settings.relay_username and values.is_address(name):
        yield _GROUP.problem(
            "the relayhost is an address, so no mail leaves", "Postfix sends the password only to a server whose"
            " certificate has the name of the relayhost, and {} is not a name.".format(name),
            advice="Set the name of the server, for example 'smallmail set relayhost=[smtp.example.net]:587'.")


def _scanner(host: Host) -> Iterator[Finding]:
    yield from scanner(_verdict(host), probes.connects(host.root, MILTER))
    if b"+PONG" not in _asked(host, _STORE, b"PING\r\n"):
        yield from store()


def store() -> Iterator[Finding]:
    """Yield the problem that Rspamd's store does not answer."""
    yield _GROUP.problem("Rspamd's store ({}) does not answer".format(REDIS.unit), "Rspamd does not learn, and"
                         " greylisting does not work.", ["systemctl restart {}".format(REDIS.unit)],
                         about=[REDIS.unit])


def _dovecot(host: Host) -> Iterator[Finding]:
    yield from dovecot([name for name in _SOCKETS if not probes.connects(host.root, "var/spool/postfix/" + name)])


def unconverted(sentences: List[str]) -> Iterator[Finding]:
    """Yield a problem for each mailbox that could not be converted (programs/folders.py)."""
    for sentence in sentences:
        what, _, why = sentence.partition("; ")
        yield _GROUP.problem(what, why[:1].upper() + why[1:] + ".", ["systemctl restart dovecot"])


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
    # Dovecot's own service reads the mailboxes: the daily check has not the right to become vmail.
    yield from quotas(_lines(host, ["sh", "-c", "doveadm -f tab quota get -S /run/dovecot/doveadm-server -A"
                                    " 2>/dev/null || true"]))


def seconds(text: str) -> float:
    """Convert a time of Postfix's (postconf(5)). Returns seconds; infinity for 0, which switches the warning off."""
    count, unit = (text[:-1], text[-1:]) if text[-1:] in _SECONDS else (text, "h")
    return float(count) * _SECONDS[unit] if count.isdigit() and int(count) else float("inf")


def quotas(table: str) -> Iterator[Finding]:
    """Judge how full the mailboxes are, by 'doveadm -f tab quota get -A' (doveadm-quota(1)), which counts in KiB.
    Yields what was found."""
    for fields in (line.split("\t") for line in table.splitlines()[1:]):
        if len(fields) >= 6 and fields[-4] == "STORAGE" and fields[-2].isdigit() and fields[-1].isdigit():
            if int(fields[-1]) >= 100:
                yield _GROUP.problem("the mailbox {} is full".format(fields[0]), "Mail for it is refused: it uses {} of"
                                     " its {}.".format(units.size(int(fields[-3]) << 10),
                                                       units.size(int(fields[-2]) << 10)),
                                     ["smallmail show quota"],
                                     advice="Delete mail in it, or raise the setting 'quota'.")
            elif int(fields[-1]) >= _NEARLY:
                yield _GROUP.note("the mailbox {} is nearly full".format(fields[0]))


def scanner(verdict: str, milter: bool) -> Iterator[Finding]:
    """Judge whether Rspamd works. `verdict`: its answer to a message that is spam by agreement, in JSON; `milter`:
    whether it answers on Postfix's socket. Yields what was found."""
    fix = ["systemctl status rspamd", "journalctl -u rspamd", "systemctl restart rspamd"]
    if not milter:
        yield _GROUP.problem("Rspamd does not answer Postfix", "Mail waits until it does.", fix, about=[RSPAMD.unit])
    try:
        action = rspamd_controller.parsed(verdict).get("action") if verdict else ""
    except ValueError:
        action = None
    if action == "":
        yield _GROUP.problem("Rspamd's controller does not answer", "Rspamd does not learn from Junk folders.", fix,
                             about=[RSPAMD.unit])
    elif action != "reject":
        yield _GROUP.problem("Rspamd does not recognise the standard test message for spam (GTUBE)",
                             "It says: {}".format(verdict[:200]), fix, about=[RSPAMD.unit])


def dovecot(dead: List[str]) -> Iterator[Finding]:
    """Yield a problem when Dovecot does not answer Postfix on these sockets."""
    if dead:
        yield _GROUP.problem("Dovecot does not answer Postfix on {}".format(" and ".join(dead)),
                             "Mail for the mailboxes here waits, and users cannot send.",
                             ["systemctl status dovecot", "journalctl -u dovecot", "systemctl restart dovecot"],
                             about=[DOVECOT.unit])


def door(replies: Dict[str, str], known: List[str], unknown: List[str]) -> Iterator[Finding]:
    """Judge what port 25 says to recipients. `replies`: by recipient, its code and words; "" is for what it said
    before. Yields what was found."""
    why, log = "No message was sent for this check.", ["journalctl -u 'postfix*'"]
    if replies.get(""):
        yield _GROUP.problem("port 25 does not accept mail", "Incoming mail waits on other servers, or is refused. The"
                             " answer to this check: {}".format(replies[""]), log,
                             about=[POSTFIX.unit, RSPAMD.unit, "port 25"])
        return
    for address in known:
        if not replies.get(address, "").startswith("250"):
            yield _GROUP.problem("mail for {} is refused".format(address), "Postfix says: {}. {}".format(
                replies.get(address, ""), why), log, about=[POSTFIX.unit, RSPAMD.unit],
                advice="Let a mailbox receive it (smallmail alias add {} ADDRESS), or read the log.".format(address))
    for address in unknown:
        if replies.get(address, "").startswith("250"):
            yield _GROUP.problem("mail for addresses in {} that do not exist is accepted".format(
                address.partition("@")[2]), "It can only be returned, and the senders of spam are forged: others will"
                " list this host as a source of spam.",
                ["smallmail plan", "postconf -n smtpd_recipient_restrictions"])


def relaying(own: str, reply: str) -> Iterator[Finding]:
    """Judge whether strangers may send to any address through this host. `reply`: what it said to a stranger's address
    at its own address `own`. Yields what was found."""
    if reply.startswith("250"):
        yield _GROUP.problem("this host is an open relay", "At {} it accepted mail for {}: anyone may send spam through"
                             " it.".format(own, _STRANGER),
                             ["smallmail plan", "postconf -n smtpd_relay_restrictions mynetworks"])


def is_trusted(own: str, networks: str) -> bool:
    """Return whether mynetworks (postconf(5)) lets that address send to anyone, as far as it can be read here."""
    return any(network is None or ipaddress.ip_address(own) in network for network in _networks(networks))


def too_wide(networks: str) -> Iterator[Finding]:
    """Yield a problem for each network in mynetworks that is too large to be one's own."""
    for network in _networks(networks):
        if network and network.prefixlen < _WIDE[network.version] and addresses.is_public(str(network.network_address)):
            yield _GROUP.problem("mynetworks lets all of {} send to anyone".format(network), "That is an open relay: it"
                                 " forwards spam, and this host gets on block lists.",
                                 ["postconf -n mynetworks", "smallmail apply --replace mynetworks"])


def _networks(text: str) -> Iterator[Optional[_Network]]:
    """Yield the networks of such a list; None for a table, a file or an exception."""
    for word in text.replace(",", " ").split():
        try:
            yield ipaddress.ip_network(word.replace("[", "").replace("]", ""), strict=False)
        except ValueError:
            yield None


def _replies(address: str, source: str, recipients: List[str]) -> Dict[str, str]:
    """Ask port 25 there about each recipient. Returns what it says; under "" why it says nothing."""
    said = {}   # type: Dict[str, str]
    try:
        with probes.smtp(address, 25, _PATIENCE, source) as connection:
            connection.ehlo_or_helo_if_needed()
            code, words = connection.mail("<>")
            if code != 250:
                return {"": _reply(code, words)}
            for recipient in recipients:
                said[recipient] = _reply(*connection.rcpt(recipient))
            connection.rset()
    except smtplib.SMTPResponseException as error:
        answer = error.smtp_error   # type: Any
        return said or {"": _reply(error.smtp_code, answer)}
    except OSError as error:    # also smtplib's
        return said or {"": getattr(error, "strerror", None) or str(error)}
    return said


def _reply(code: int, words: bytes) -> str:
    return "{} {}".format(code, words.decode("utf-8", "replace").replace("\n", " "))


def _verdict(host: Host) -> str:
    """Let Rspamd judge a message that is spam by agreement. Returns its answer; empty when there is none."""
    try:
        return rspamd_controller.scanned(host, _SPAM)[1]
    except OSError:
        return ""


def _asked(host: Host, path: str, question: bytes) -> bytes:
    """Send a question to a daemon's unix socket. Returns the first that it answers; nothing if it does not answer."""
    with contextlib.suppress(OSError), probes.unix_socket(host.root, path, _PATIENCE) as connection:
        connection.sendall(question)
        return connection.recv(_LONGEST_ANSWER)
    return b""


def _lines(host: Host, command: List[str]) -> str:
    return host.run(command, seconds=30)
