"""List the DKIM keys, which are in a folder that only Rspamd may read: what each is for now, and its record in DNS.

A domain has an RSA key and, if this Rspamd knows them, an Ed25519 key (RFC 8463). A key is NEXT until all name servers
show its record, then SIGNING, and OLD when another key has replaced it: its record stays for mail that is on its way.
Only a domain's very first RSA key signs at once: mail without any signature would not be better.

The list (state.DKIM_LIST) is not made anew if it is damaged: without it nobody knows which records may be deleted.
"""
import contextlib
import os
import time
from collections import OrderedDict
from typing import Iterator, List

from smallmail.daemons import facts
from smallmail.dkim import former, key_format, key_list
from smallmail.dkim.key_format import ED25519, RSA
from smallmail.dkim.key_list import NEXT, OLD, SIGNING, Key
from smallmail.errors import Problem
from smallmail.machine import dates, state_files
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.machine.state import DKIM_FOLDER, DKIM_FORMER_FOLDER, DKIM_KEYS, DKIM_LIST, DKIM_LOCK
from smallmail.settings.fields import Settings
from smallmail.zones.dns_records import Record

# How long an old key's record stays in DNS. RFC 5321, 4.5.4.1: a message may wait for five days in our queue, and then
# for five more in the queue of a host that forwards it; the rest is for mail programs that verify when they fetch.
GRACE_DAYS = 14
_DAY = 86400

_NAMES = {RSA: "RSA", ED25519: "Ed25519"}

# The selectors of a domain's first keys; later ones get the date added. smallmail 0.1 had the one for RSA.
_SELECTORS = {RSA: "dkim", ED25519: "dkim-ed25519"}

# Rspamd before version 2 makes one signature, with RSA.
_BOTH_SINCE = (2,)


def path(key: Key) -> str:
    """Return the path of the private key."""
    return "{}/{}.{}.key".format(DKIM_FOLDER, key.domain, key.selector)


def record_name(key: Key) -> str:
    """Return the name of the public key in DNS (RFC 6376, 3.6.2.1)."""
    return "{}._domainkey.{}".format(key.selector, key.domain)


def record_value(key: Key) -> str:
    """Return the value of the TXT record (RFC 6376, 3.6.1)."""
    return "v=DKIM1; k={}; p={}".format(key.kind, key.public)


def ends(key: Key) -> float:
    """Return the time until which an OLD key's record must stay in DNS; 0 if it is not known yet."""
    return key.left + GRACE_DAYS * _DAY if key.left else 0.0


def is_over(key: Key, now: float) -> bool:
    """Tell whether a key can be deleted: no mail that it signed is on its way any more."""
    return key.state == OLD and 0 < ends(key) <= now


def load(host: Host) -> List[Key]:
    """Load the list of keys. Raises Problem if the file is damaged, or is still in its former folder."""
    if former.is_waiting(host):
        raise Problem("the DKIM keys are still in /{}: 'smallmail apply' moves them".format(DKIM_FORMER_FOLDER))
    return key_list.loads(host.text(DKIM_LIST), DKIM_LIST)


@contextlib.contextmanager
def changing(host: Host) -> Iterator[List[Key]]:
    """Yield the list of keys, to be changed in place; it is saved at the end of the block, in one step."""
    with host.lock(path=DKIM_LOCK):
        keys = load(host)
        before = list(keys)
        yield keys
        if keys != before:
            state_files.save_json(host, DKIM_LIST, key_list.dumps(keys))


def kinds(host: Host) -> List[str]:
    """Return the kinds of keys with which this host's Rspamd signs."""
    version = facts.version_tuple(facts.gather(host.root).versions["rspamd"])
    return [RSA, ED25519] if version >= _BOTH_SINCE else [RSA]


def ensure(host: Host, domains: List[str]) -> None:
    """Make the keys that these domains lack. Keys that exist are not changed."""
    wanted = kinds(host) if domains else []
    with changing(host) as keys:
        # A key whose file was deleted cannot sign.
        keys[:] = [key for key in keys if key.domain not in domains or key.state == OLD or host.exists(path(key))]
        for domain, kind in [(domain, kind) for domain in domains for kind in wanted]:
            if any((key.domain, key.kind) == (domain, kind) and key.state != OLD for key in keys):
                continue
            state = SIGNING if kind == RSA else NEXT
            if not _reused(host, keys, domain, kind, state):
                keys.append(make(host, keys, domain, kind, state))


def _reused(host: Host, keys: List[Key], domain: str, kind: str, state: str) -> bool:
    """Use an existing key again, and tell whether there was one: the last key of a domain that was removed and added
    again, or the key of smallmail 0.1 and 0.2, which kept no list."""
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
                               public=key_format.public(host, kind, file.content.decode("ascii"))))
    return True


def make(host: Host, keys: List[Key], domain: str, kind: str, state: str) -> Key:
    """Make a key and its file. Returns it; the caller adds it to `keys`."""
    pair, now = key_format.make(host, kind), time.time()
    key = Key(domain, _free_selector(keys, domain, kind, now), kind, state, now, 0.0, pair.public, [])
    listed = host.text(DKIM_KEYS)
    if "/{}\n".format(path(key)) not in listed:
        listed += "/{}\n".format(path(key))
        state_files.write(host, DKIM_KEYS, listed)
    state_files.make_folder(host, DKIM_FOLDER)
    host.write(path(key), File(pair.private.encode("ascii"), 0o640, "root", "_rspamd"))
    return key


def _free_selector(keys: List[Key], domain: str, kind: str, now: float) -> str:
    """Choose a selector that the domain did not have lately: a resolver may still have the record of that key."""
    taken = {key.selector for key in keys if key.domain == domain}
    dated = "{}-{}".format(_SELECTORS[kind], time.strftime("%Y%m%d", time.gmtime(now)))
    names = [_SELECTORS[kind]] if not [key for key in keys if (key.domain, key.kind) == (domain, kind)] else []
    names += [dated] + ["{}-{}".format(dated, number) for number in range(2, len(taken) + 3)]
    return next(name for name in names if name not in taken)


def is_whole(host: Host, key: Key) -> bool:
    """Tell whether the private key exists and belongs to the record."""
    try:
        return key_format.public(host, key.kind, host.text(path(key))) == key.public
    except (Problem, ValueError):
        return False


def retire(host: Host, domain: str) -> List[Key]:
    """Let a removed domain's keys sign no more; they are deleted later, when their mail has arrived. Returns them."""
    mine = [key for key in load(host) if key.domain == domain]
    forget(host, [key for key in mine if key.state == NEXT])    # nothing was signed with it
    with changing(host) as keys:
        keys[:] = [key._replace(state=OLD) if key.domain == domain else key for key in keys]
    return [key for key in mine if key.state != NEXT]


def forget(host: Host, gone: List[Key]) -> None:
    """Delete private keys, then their entries in the list."""
    for key in gone:
        host.remove(path(key))
    with changing(host) as keys:
        keys[:] = [key for key in keys if key not in gone]


def records(host: Host, _: Settings) -> Iterator[Record]:
    """Yield the records that must be in DNS now, also of keys and domains that were removed lately."""
    for found in records_by_domain(host, time.time()).values():
        yield from found


def records_by_domain(host: Host, now: float) -> "OrderedDict[str, List[Record]]":
    """Return for each domain the records that must be in DNS at that time, each with its reason."""
    found = OrderedDict()   # type: OrderedDict[str, List[Record]]
    for key in load(host):
        if not is_over(key, now):
            found.setdefault(key.domain, []).append(Record(record_name(key), "TXT", record_value(key), _why(key)))
    return found


def unused_names(host: Host) -> List[str]:
    """Return the names of the records on which nothing depends yet."""
    return [record_name(key) for key in load(host) if key.state == NEXT]


def _why(key: Key) -> str:
    if key.state == SIGNING:
        return "DKIM key ({}): lets others verify that mail from {} is genuine".format(_NAMES[key.kind], key.domain)
    if key.state == NEXT:
        return "next DKIM key ({}) of {}: used automatically once all name servers show this record".format(
            _NAMES[key.kind], key.domain)
    return "former DKIM key ({}) of {}: keep it until {}, for mail that is still on its way".format(
        _NAMES[key.kind], key.domain, dates.day(ends(key)) if key.left else "'smallmail dkim list' names a day")
