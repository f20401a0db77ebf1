"""`smallmail user disable`, `enable` and `limit`: what a login may do; `smallmail queue`: what it sent that waits."""
import argparse
from collections import OrderedDict
from typing import Dict, Optional, Tuple  # noqa: F401 (Dict: in a type comment)

from smallmail import queued_mail
from smallmail.accounts import database
from smallmail.check import units
from smallmail.commands.arguments.parser import Told
from smallmail.daemons import running
from smallmail.errors import WrongUsage
from smallmail.limits.counting import Limits
from smallmail.machine import dates
from smallmail.machine.host import Host
from smallmail.settings import sending, store

_FEW = 3    # recipients that are listed


def disable(host: Host, options: argparse.Namespace) -> int:
    """Refuse all logins of a mailbox, and end its sessions. Returns the exit code."""
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        accounts.enable(options.address, False)
    ended = running.kick(host, options.address)
    print("{} is disabled: it cannot log in or send any more, and its sessions {}. It still receives mail.".format(
        options.address, "are ended" if ended else "end when Dovecot starts again"))
    print("'smallmail queue hold --from {}' keeps what it has sent and is still in the queue.".format(options.address))
    return 0


def enable(host: Host, options: argparse.Namespace) -> int:
    """Let a mailbox log in again. Returns the exit code."""
    store.must_be_set_up(host)
    with database.open_accounts(host) as accounts:
        accounts.enable(options.address, True)
    print("{} is enabled: it can log in and send again.".format(options.address))
    return 0


def limit(host: Host, options: argparse.Namespace) -> int:
    """Give a mailbox limits of its own, and show all that it has. Returns the exit code."""
    settings = store.load(host)
    changes = OrderedDict(_assignment(each) for each in options.changes)  # type: Dict[str, Optional[int]]
    with database.open_accounts(host) as accounts:
        for name, value in changes.items():
            accounts.set_limit(options.address, name, value)
        own = accounts.limits(options.address)
    for name in Limits._fields:
        value = own.get(name, getattr(settings, "limit_" + name))
        print("{:<16} {}{}".format(name.replace("_", "-"), value or "no limit", "" if name in own else "  (as usual)"))
    return 0


def queue_list(host: Host, _: argparse.Namespace) -> Told:
    """Return what waits."""
    found = queued_mail.waiting(host)
    lines = ["{}  {:<8}  {}  {} -> {}".format(dates.minute(each.since), each.queue, each.name, each.sender or "<>",
                                              _recipients(each)) for each in found]
    return "\n".join(lines) or "The queue is empty.", [each._asdict() for each in found], 0


def queue_retry(host: Host, _: argparse.Namespace) -> int:
    """Deliver what waits. Returns the exit code."""
    queued_mail.retry(host)
    print("Postfix now tries to deliver all mail that waits.")
    return 0


def queue_hold(host: Host, options: argparse.Namespace) -> int:
    """Keep what a login has sent from being delivered. Returns the exit code."""
    names = queued_mail.sent_by(host, options.address, is_held=False)
    queued_mail.hold(host, names)
    print("{} of {} held.".format(_count(names), options.address))
    if names:
        print("'smallmail queue release --from {0}' delivers {1}, 'smallmail queue drop --from {0}' deletes {1}."
              .format(options.address, "it" if len(names) == 1 else "them"))
    return 0


def queue_release(host: Host, options: argparse.Namespace) -> int:
    """Deliver what was held. Returns the exit code."""
    names = queued_mail.sent_by(host, options.address, is_held=True)
    queued_mail.release(host, names)
    print("{} of {} released.".format(_count(names), options.address))
    return 0


def queue_drop(host: Host, options: argparse.Namespace) -> int:
    """Delete what a login has sent and is still in the queue. Returns the exit code."""
    queued_mail.hold(host, queued_mail.sent_by(host, options.address, is_held=False))
    names = queued_mail.sent_by(host, options.address, is_held=True)
    queued_mail.drop(host, names)
    print("{} of {} deleted. Nobody is told of it.".format(_count(names), options.address))
    return 0


def _assignment(word: str) -> Tuple[str, Optional[int]]:
    """Return the limit's name and its value; None for the usual one. Raises WrongUsage."""
    name, equals, text = word.partition("=")
    known = [each.replace("_", "-") for each in Limits._fields]
    if not equals or name not in known:
        raise WrongUsage("'{}' is not a limit: type NAME=NUMBER, where NAME is one of {}".format(
            word, ", ".join(known)))
    try:
        return name.replace("-", "_"), int(sending.limit(text)) if text else None
    except ValueError as error:
        raise WrongUsage("{}: {}".format(name, error))


def _count(names: "list[str]") -> str:
    return units.number(len(names), "message", "messages")


def _recipients(waiting: queued_mail.Waiting) -> str:
    more = len(waiting.recipients) - _FEW
    return ", ".join(waiting.recipients[:_FEW]) + (" and {} more".format(more) if more > 0 else "")
