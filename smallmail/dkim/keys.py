"""DKIM keys, in a folder that only Rspamd may read: which there are, what each is for now, its record.

A domain has an RSA key and, where this Rspamd knows them, an Ed25519 key (RFC 8463). A key is NEXT until all name
servers show its record, then SIGNING, and OLD when another has taken its place: its record stays for mail on its way.
Only a domain's very first RSA key signs before that: mail without any signature would be no better off.
"""
import contextlib
import json
import os
import time
from collections import OrderedDict
from typing import Iterator, List, NamedTuple, Tuple

from smallmail.daemons import facts
from smallmail.dkim import key_files
from smallmail.dkim.key_files import ED25519, RSA
from smallmail.errors import Problem
from smallmail.machine import state_files
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.machine.state import DKIM_FOLDER, DKIM_KEYS, DKIM_LIST, DKIM_LOCK
from smallmail.zones.dns_records import Record

NEXT, SIGNING, OLD = "next", "signing", "old"

# For so long an old key's record stays. RFC 5321, 4.5.4.1: a message may wait for five days in a queue, ours, and then
# for five more in that of a host that forwards it; the rest is for mail programs that verify when they fetch.
GRACE_DAYS = 14
_DAY = 86400

Key = NamedTuple("Key", [
    ("domain", str),
    ("selector", str),
    ("kind", str),      # RSA or ED25519
    ("state", str),     # NEXT, SIGNING or OLD
    ("made", float),    # seconds since 1970
    ("left", float),    # when Rspamd was first seen to sign without it; 0 until then
    ("public", str),    # as p= has it
    ("waiting", List[str]),     # what keeps a NEXT key from signing, a name server or a sentence each
])
_NAMES = {RSA: "RSA", ED25519: "Ed25519"}

# The selectors of a domain's first keys; those that follow have the day in theirs. RSA's is what 0.1 had.
_SELECTORS = {RSA: "dkim", ED25519: "dkim-ed25519"}

# Rspamd before 2 signs once, and by RSA.
_BOTH_SINCE = (2,)


def path(key: Key) -> str:
    """Where the private key is."""
    return "{}/{}.{}.key".format(DKIM_FOLDER, key.domain, key.selector)


def record_name(key: Key) -> str:
    """Where the public key is in DNS (RFC 6376, 3.6.2.1)."""
    return "{}._domainkey.{}".format(key.selector, key.domain)


def record_value(key: Key) -> str:
    """What is there (RFC 6376, 3.6.1)."""
    return "v=DKIM1; k={}; p={}".format(key.kind, key.public)


def ends(key: Key) -> float:
    """Until when an OLD key's record must stay; 0 while that is not known."""
    return key.left + GRACE_DAYS * _DAY if key.left else 0.0


def is_over(key: Key, now: float) -> bool:
    """Whether the key has served: no mail that it signed is on its way any more."""
    return key.state == OLD and 0 < ends(key) <= now


def load(host: Host) -> List[Key]:
    """All keys."""
    try:
        return [Key(**each) for each in json.loads(host.text(DKIM_LIST) or "[]")]
    except (ValueError, TypeError):
        raise Problem("/{} can't be read: take it from a backup, or remove it; then each domain's first key signs"
                      .format(DKIM_LIST))


@contextlib.contextmanager
def changing(host: Host) -> Iterator[List[Key]]:
    """The keys, to be changed in place; written when the block ends, all in one step."""
    with host.lock(path=DKIM_LOCK):
        keys = load(host)
        before = list(keys)
        yield keys
        if keys != before:
            data = [OrderedDict(zip(key._fields, key)) for key in sorted(keys, key=_order)]
            state_files.save_json(host, DKIM_LIST, data)


def _order(key: Key) -> Tuple[str, bool, float]:
    return key.domain, key.kind != RSA, -key.made


def kinds(host: Host) -> List[str]:
    """The kinds of keys that sign on this host."""
    version = facts.version_tuple(facts.gather(host.root).versions["rspamd"])
    return [RSA, ED25519] if version >= _BOTH_SINCE else [RSA]


def ensure(host: Host, domains: List[str]) -> None:
    """Let these domains have their keys. Those that are there stay as they are."""
    wanted = kinds(host) if domains else []
    with changing(host) as keys:
        # One that somebody took away neither signs nor comes back.
        keys[:] = [key for key in keys if key.domain not in domains or key.state == OLD or host.exists(path(key))]
        for domain, kind in [(domain, kind) for domain in domains for kind in wanted]:
            if any((key.domain, key.kind) == (domain, kind) and key.state != OLD for key in keys):
                continue
            state = SIGNING if kind == RSA else NEXT
            if not _taken_up(host, keys, domain, kind, state):
                keys.append(make(host, keys, domain, kind, state))


def _taken_up(host: Host, keys: List[Key], domain: str, kind: str, state: str) -> bool:
    """Whether a key from before serves: the last one of a domain that was removed and is back, or that of smallmail
    0.1 and 0.2, which wrote down nothing about it."""
    before = [key for key in keys if (key.domain, key.kind, key.state) == (domain, kind, OLD)
              and host.exists(path(key))]
    if before:
        last = max(before, key=lambda key: key.made)
        keys[keys.index(last)] = last._replace(state=state, left=0.0)
        return True
    first = Key(domain, _SELECTORS[kind], kind, state, 0.0, 0.0, "", [])
    file = None if [key for key in keys if (key.domain, key.selector) == first[:2]] else host.file(path(first))
    if kind != RSA or file is None:
        return False
    keys.append(first._replace(made=os.stat(host.path(path(first))).st_mtime,
                               public=key_files.public(host, kind, file.content.decode("ascii"))))
    return True


def make(host: Host, keys: List[Key], domain: str, kind: str, state: str) -> Key:
    """A new key, not yet among `keys`."""
    pair, now = key_files.make(host, kind), time.time()
    key = Key(domain, _free_selector(keys, domain, kind, now), kind, state, now, 0.0, pair.public, [])
    listed = host.text(DKIM_KEYS)
    if "/{}\n".format(path(key)) not in listed:
        listed += "/{}\n".format(path(key))
        state_files.write(host, DKIM_KEYS, listed)
    state_files.make_folder(host, DKIM_FOLDER)
    host.write(path(key), File(pair.private.encode("ascii"), 0o640, "root", "_rspamd"))
    return key


def _free_selector(keys: List[Key], domain: str, kind: str, now: float) -> str:
    """A name that this domain has not had lately: somebody may still remember the key that was there."""
    taken = {key.selector for key in keys if key.domain == domain}
    dated = "{}-{}".format(_SELECTORS[kind], time.strftime("%Y%m%d", time.gmtime(now)))
    names = [_SELECTORS[kind]] if not [key for key in keys if (key.domain, key.kind) == (domain, kind)] else []
    names += [dated] + ["{}-{}".format(dated, number) for number in range(2, len(taken) + 3)]
    return next(name for name in names if name not in taken)


def is_whole(host: Host, key: Key) -> bool:
    """Whether the private key is there, and is that of the record."""
    try:
        return key_files.public(host, key.kind, host.text(path(key))) == key.public
    except (Problem, ValueError):
        return False


def retire(host: Host, domain: str) -> List[Key]:
    """The domain is removed: its keys sign no more, and go when the mail that they signed has arrived. Those keys."""
    mine = [key for key in load(host) if key.domain == domain]
    forget(host, [key for key in mine if key.state == NEXT])    # it has signed nothing
    with changing(host) as keys:
        keys[:] = [key._replace(state=OLD) if key.domain == domain else key for key in keys]
    return [key for key in mine if key.state != NEXT]


def forget(host: Host, gone: List[Key]) -> None:
    """Remove the private keys, then what is known of them."""
    for key in gone:
        host.remove(path(key))
    with changing(host) as keys:
        keys[:] = [key for key in keys if key not in gone]


def records(host: Host, now: float) -> "OrderedDict[str, List[Record]]":
    """By domain, the records that have to be in DNS at this time, with their reasons."""
    found = OrderedDict()   # type: OrderedDict[str, List[Record]]
    for key in load(host):
        if not is_over(key, now):
            found.setdefault(key.domain, []).append(Record(record_name(key), "TXT", record_value(key), _why(key)))
    return found


def unused_names(host: Host) -> List[str]:
    """The names of those that nothing leans on yet."""
    return [record_name(key) for key in load(host) if key.state == NEXT]


def _why(key: Key) -> str:
    if key.state == SIGNING:
        return "the {} key that proves mail from {} unforged".format(_NAMES[key.kind], key.domain)
    if key.state == NEXT:
        return "the next {} key for mail from {}: it signs as soon as all name servers show this".format(
            _NAMES[key.kind], key.domain)
    return "the former {} key for mail from {}: keep it until {}, for mail that is on its way".format(
        _NAMES[key.kind], key.domain, day(ends(key)) if key.left else "'smallmail dkim list' names a day")


def day(seconds: float) -> str:
    """The day, as we write it."""
    return time.strftime("%Y-%m-%d", time.localtime(seconds))
