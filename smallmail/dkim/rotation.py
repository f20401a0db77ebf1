"""Rotate DKIM keys in three stages, so that mail is always signed with a key whose record is in DNS.

One: the next keys are made. Two: they sign once all name servers show their records. Three: the records of the former
keys stay for two weeks, then the keys are deleted. Each stage may be interrupted and done again. smallmail-dkim.timer
runs go_on() every few minutes.
"""
import contextlib
import time
from typing import Any, Dict, Iterator, List, NamedTuple

from smallmail.accounts import domains
from smallmail.dkim import keys as dkim_keys, signing
from smallmail.dkim.key_format import RSA
from smallmail.dkim.key_list import NEXT, OLD, SIGNING, Key
from smallmail.errors import Problem
from smallmail.findings import Finding, Group
from smallmail.machine import dates, state
from smallmail.machine.host import Host
from smallmail.publishing import publish
from smallmail.settings.fields import Settings
from smallmail.zones import asking, meaning, visible
from smallmail.zones.answers import Unanswered
from smallmail.zones.dns_records import Record
from smallmail.zones.visible import Late

# NIST SP 800-57 part 1 (5.3.6) gives a signing key one to three years; M3AAWG recommends less for DKIM.
_YEAR = 365 * 86400

# A record that was set by hand is in DNS within a day.
_PATIENT = 3 * 86400
_GROUP = Group("dns")
Progress = NamedTuple("Progress", [
    ("done", List[str]),        # a sentence for each thing that was done or failed
    ("spreading", List[str]),   # the domains whose next key waits only for name servers to show what we published
])


def begin(host: Host, domain: str, anew: bool = False) -> str:
    """Begin stage one: make the domain's next keys. Returns why nothing was made, or "". `anew`: also if the last
    rotation has not finished."""
    with dkim_keys.changing(host) as keys:
        mine = [key for key in keys if key.domain == domain]
        if any(key.state == NEXT and key.kind == RSA for key in mine):
            return "a rotation is already under way"
        left = [key for key in mine if key.state == OLD and not dkim_keys.is_over(key, time.time())]
        if left and not anew:
            return "the last rotation has not finished: {} must stay in DNS {}; 'smallmail dkim rotate --new' does" \
                " not wait".format(dkim_keys.record_name(left[0]), _until(left[0]))
        for kind in dkim_keys.kinds(host):
            if not any((key.kind, key.state) == (kind, NEXT) for key in mine):
                keys.append(dkim_keys.make(host, keys, domain, kind, NEXT))
    return ""


def go_on(host: Host, insist: bool = False) -> Progress:
    """Do stages two and three as far as they can be done now. Returns what was done and what is still to be shown."""
    with host.lock(path=state.ROTATION_LOCK):
        done = _without_lost(host)
        keys, now = dkim_keys.load(host), time.time()
        asked = _unfinished(keys, now)
        authority = asking.authority(sorted({key.domain for key in asked}))
        missing = {dkim_keys.path(key): _missing(host, authority, key) for key in asked if key.state == NEXT}
        done += _switch(host, {path: [str(each) for each in late] for path, late in missing.items()})
        wrong = signing.settle(host, insist)
        for key in asked:
            if key.state == OLD:
                done += _end(host, authority, key)
    spreading = [key.domain for key in asked if key.state == NEXT and _is_spreading(missing[dkim_keys.path(key)])
                 and publish.may_update(host, dkim_keys.record_name(key))]
    return Progress(done + ([wrong] if wrong else []), spreading)


def _is_spreading(missing: List[Late]) -> bool:
    """Return whether all that is missing is that name servers which answer show the record."""
    return bool(missing) and all(each.server and not each.why for each in missing)


def _without_lost(host: Host) -> List[str]:
    """Replace NEXT keys whose private key is lost. Returns a sentence for each."""
    lost = [key for key in dkim_keys.load(host) if key.state == NEXT and not dkim_keys.is_whole(host, key)]
    dkim_keys.forget(host, lost)
    dkim_keys.ensure(host, sorted({key.domain for key in lost}))
    return ["the private key of {} is lost: 'smallmail dkim rotate {}' begins anew".format(
        dkim_keys.record_name(key), key.domain) for key in lost]


def _missing(host: Host, authority: Any, key: Key) -> List[Late]:
    """Find what keeps a key from signing, after publishing its record if updates are set up. Returns it."""
    record, troubles = _record(key), []     # type: Record, List[Late]
    if publish.may_update(host, record.name):
        try:
            publish.put(host, [record])
        except Problem as error:
            troubles = [Late(None, str(error))]
    late = _late(authority, record)
    late += [each for each in visible.silent(authority, key.domain) if each not in late]
    return troubles + late if late else []


def _late(authority: Any, record: Record) -> List[Late]:
    """Return the name servers that do not show the record. If its name is an alias, its target's are asked too."""
    alias = ""
    with contextlib.suppress(Unanswered):
        alias = authority.ask(record.name, "TXT").alias

    def shows(values: List[str]) -> bool:
        return not meaning.dkim_trouble(values, record.value)

    if not alias:
        return visible.lacking(authority, record.name, "TXT", shows)
    return visible.lacking(authority, record.name, "TXT", lambda values: values == [alias + "."]) \
        + visible.lacking(asking.authority([alias]), alias, "TXT", shows)


def _record(key: Key) -> Record:
    return Record(dkim_keys.record_name(key), "TXT", dkim_keys.record_value(key), "")


def _switch(host: Host, missing: Dict[str, List[str]]) -> List[str]:
    """Do stage two: let all keys that may sign now do so, in one step, and note what the others wait for."""
    done = []
    with dkim_keys.changing(host) as keys:
        for key in [key for key in keys if key.state == NEXT and dkim_keys.path(key) in missing]:
            waiting = missing[dkim_keys.path(key)]
            if not waiting:
                keys[:] = [former._replace(state=OLD) if (former.domain, former.kind, former.state) ==
                           (key.domain, key.kind, SIGNING) else former for former in keys]
                done.append("mail from {} is now signed with {}".format(key.domain, key.selector))
            keys[keys.index(key)] = key._replace(state=NEXT if waiting else SIGNING, waiting=waiting)
    return done


def _end(host: Host, authority: Any, key: Key) -> List[str]:
    """Do stage three: delete the key; its entry in the list goes when its record has gone from DNS."""
    record, done = _record(key), []     # type: Record, List[str]
    if publish.may_update(host, record.name):
        try:
            publish.withdraw(host, [record])
        except Problem as error:
            done.append(str(error))
    host.remove(dkim_keys.path(key))
    if not visible.lacking(authority, record.name, "TXT", lambda values: not values) \
            or key.domain not in domains.domains(host):
        dkim_keys.forget(host, [key])
        return ["{} is gone from DNS".format(record.name)]
    return done


def is_idle(host: Host) -> bool:
    """Tell whether go_on() has nothing to do."""
    return signing.is_settled(host) and not _unfinished(dkim_keys.load(host), time.time())


def _unfinished(keys: List[Key], now: float) -> List[Key]:
    """Return the keys whose next stage may begin."""
    return [key for key in keys if key.state == NEXT or dkim_keys.is_over(key, now)]


def stage(key: Key, now: float) -> str:
    """Describe which stage a key is in."""
    if key.state == SIGNING:
        return "signing"
    if key.state == NEXT:
        return "next, waiting for " + _awaited(key)
    return "old, to be deleted from DNS " + ("now" if dkim_keys.is_over(key, now) else _from(key))


def _awaited(key: Key) -> str:
    return "; ".join(key.waiting) or "the next check of the name servers"


def _from(key: Key) -> str:
    return "on " + dates.day(dkim_keys.ends(key)) if key.left else \
        "{} days after Rspamd signs without it".format(dkim_keys.GRACE_DAYS)


def _until(key: Key) -> str:
    return "until " + dates.day(dkim_keys.ends(key)) if key.left else "for {} days".format(dkim_keys.GRACE_DAYS)


def findings(host: Host, _: Settings) -> Iterator[Finding]:
    """Check the keys, for `smallmail check`, without a question to the network. Yields what was found."""
    return judge(host, time.time())


def judge(host: Host, now: float) -> Iterator[Finding]:
    """Judge what is known of the keys at that moment. Yields what was found."""
    wrong = signing.trouble(host)
    if wrong:
        yield _GROUP.problem(wrong, "The signatures on outgoing mail do not fit the records in DNS.",
                             ["smallmail dkim rotate"], about=["rspamd"])
    for key in dkim_keys.load(host):
        name = dkim_keys.record_name(key)
        if key.state == SIGNING and not dkim_keys.is_whole(host, key):
            yield _GROUP.problem("the private key of {} is lost".format(name), "Mail is not signed with it.",
                                 ["smallmail apply"])
        elif key.state == SIGNING and now - key.made > _YEAR:
            # Not a problem: mail flows, and the key is as good today as it was yesterday.
            yield _GROUP.note("the DKIM key {} is from {}: 'smallmail dkim rotate {}' replaces it without a gap".format(
                name, dates.day(key.made), key.domain))
        if key.state == NEXT and now - key.made > _PATIENT:
            yield _GROUP.note("the DKIM key {} has waited since {} for {}; 'smallmail dns show' has its record".format(
                name, dates.day(key.made), _awaited(key)))
        if dkim_keys.is_over(key, now):
            yield _GROUP.note("the DKIM record {} is no longer needed: delete it from DNS".format(name))
