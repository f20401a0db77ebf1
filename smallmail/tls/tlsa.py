"""TLSA records (RFC 6698): what the name servers show of them, and which certificate they allow to be served.

A server that validates DNSSEC delivers here only if one of the records is that of the certificate that it is shown
(RFC 7672, 2.2). So another key is served when its record has been on all name servers for as long as others may keep
the records without it (RFC 7671, 8.1). What was seen last is remembered, for where nobody can wait for the network.
"""
import time
from collections import OrderedDict
from typing import Any, Dict, Iterator, List, Tuple

from smallmail.daemons import listening
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate
from smallmail.zones import asking, dns_records, meaning, visible
from smallmail.zones.answers import Unanswered

Chain = List[Tuple[bytes, bytes]]
Known = Dict[str, Any]

# Only other mail servers ask for such records today, at port 25. Where the admin has set them for mail programs too
# (RFC 7673), those count as much.
_PORTS = tuple(port.number for port in listening.PUBLIC)
_FRESH = 3600.0         # seconds that a look is good for, when nothing waits for it
_PATIENCE = 20.0        # seconds for one look
_ALIASES = 5            # CNAMEs that point to one another

# `asked`: when, `secure`: whether the zone is signed and the one above says so, `names`: see _seen(), `late`: the name
# servers that did not answer, `waits`: the folder of the certificate that is not served yet, `switched`: since when the
# present one is.
_EMPTY = OrderedDict([("hostname", ""), ("asked", 0.0), ("secure", False), ("names", {}), ("late", []), ("waits", ""),
                      ("switched", 0.0)])  # type: Known


def load(host: Host, hostname: str) -> Known:
    """What is known of the records of that host."""
    known = _known(host)
    return known if known["hostname"] == hostname else OrderedDict(_EMPTY, hostname=hostname)


def _known(host: Host) -> Known:
    known = state_files.load_json(host, state.TLSA, _EMPTY)  # type: Known
    return known


def remember(host: Host, hostname: str, **what: Any) -> None:
    """Keep what is news."""
    if not host.exists(state.TLS):
        return
    with host.lock(path=state.TLSA_LOCK):
        known = load(host, hostname)
        after = OrderedDict(known, **what)
        if after != known:
            state_files.save_json(host, state.TLSA, after)


def names(hostname: str) -> List[str]:
    """Where such records can be, the one that mail servers ask for first."""
    return ["_{}._tcp.{}".format(port, hostname) for port in _PORTS]


def refresh(host: Host, hostname: str, patience: float = _PATIENCE) -> str:
    """Look, if the last look is an hour old; why nobody could say."""
    return look(host, hostname, patience) if load(host, hostname)["asked"] < time.time() - _FRESH else ""


def look(host: Host, hostname: str, patience: float = _PATIENCE) -> str:
    """Ask all name servers, and remember what they said; why nobody could say: then what was known still holds."""
    if not host.exists(state.TLS):
        return ""   # not set up yet, or purged
    authority, known, now = asking.authority([hostname], patience), load(host, hostname), time.time()
    found = OrderedDict()   # type: Known
    try:
        said = [_said(authority, name) for name in names(hostname)]
        zone = authority.zone(hostname)
        late = [str(each) for each in visible.silent(authority, zone.name)]
    except Unanswered as error:
        remember(host, hostname, asked=now)
        return str(error)
    now = time.time()
    for name, (values, ttl) in zip(names(hostname), said):
        if any(values) or name in known["names"]:
            found[name] = _seen(known["names"].get(name), values, ttl, not late, now)
    remember(host, hostname, asked=now, secure=zone.ds and zone.signed, names=found, late=late)
    return ""


def _said(authority: Any, name: str, aliases: int = 0) -> Tuple[List[List[str]], int]:
    """What each name server said, aliases followed, and how long that may be kept."""
    answer, ttl = authority.ask(name, "TLSA"), authority.lifetime(name, "TLSA")
    if answer.alias and aliases < _ALIASES:
        values, below = _said(authority, answer.alias, aliases + 1)
        return values, max(ttl, below)
    return list(answer.said.values()), ttl


def _seen(before: Any, said: List[List[str]], ttl: int, complete: bool, now: float) -> Dict[str, Any]:
    """What is known of one name now. `some`: the values that any server has, or had before it was silent; `good`: when
    each that all of them have is in every cache; `until`: how long what was seen until now may be in caches."""
    before = before or {"ttl": 0, "until": 0.0, "good": {}, "some": []}
    everywhere = {value for value in (said[0] if said else []) if all(value in values for values in said)}
    # Whoever asked just before the change keeps the old records for as long as they said then.
    later = max(before["until"], now + max(ttl, before["ttl"]))
    good = {value: min(before["good"].get(value, later), later) for value in sorted(everywhere)
            if complete or value in before["good"]}
    some = {value for values in said for value in values}.union([] if complete else before["some"])
    return OrderedDict([("ttl", ttl), ("until", max(before["until"], now + ttl)), ("good", good),
                        ("some", sorted(some))])


def lacking(known: Known, now: float, served: Chain, new: Chain) -> List[str]:
    """The names whose records forbid to serve the new certificate yet: those that have what is served, where others may
    not know what the new one needs. Empty where nobody can use the records: then nothing waits."""
    return [name for name, seen in known["names"].items()
            if known["secure"] and meaning.tlsa_fits(seen["some"], served)
            and not meaning.tlsa_fits(_usable(seen, now, served), new)]


def _usable(seen: Dict[str, Any], now: float, served: Chain) -> Iterator[str]:
    """The values that everybody knows; that of what is served is no worse for another certificate with its key."""
    for value in seen["some"]:
        if seen["good"].get(value, now + 1) <= now or meaning.tlsa_fits([value], served):
            yield value


def when(known: Known, new: Chain) -> float:
    """When the new certificate may be served, as far as its records are there; 0 when one of them is missing."""
    times = [[float(seen["good"].get(value, 0.0)) for value in seen["some"] if meaning.tlsa_fits([value], new)]
             for seen in known["names"].values() if meaning.tlsa_usable(seen["some"])]
    return max(min(each) for each in times) if times and all(map(any, times)) else 0.0


def allowed(host: Host, settings: Settings, newest: str) -> str:
    """The certificate that may be served, by what was seen last: the newest, or what is served now."""
    current = host.link(state.CURRENT)
    if current is None or current == newest:
        return newest
    known = load(host, settings.hostname)
    served, new = certificate.chain(host), certificate.chain(host, _folder(newest))
    return current if lacking(known, known["asked"], served, new) else newest


def waiting(host: Host, settings: Settings) -> Chain:
    """The certificate that is not served yet because of its record; empty when there is none."""
    folder = load(host, settings.hostname)["waits"]
    return certificate.chain(host, _folder(folder)) if folder else []


def records(host: Host, settings: Settings) -> Iterator[dns_records.Record]:
    """The records to publish, where they are of use: in a signed zone, for a key that stays."""
    known = load(host, settings.hostname)
    if not known["secure"]:
        return
    served, new = certificate.chain(host), waiting(host, settings)
    if served and not certificate.is_temporary(host, settings):
        yield record(names(settings.hostname)[0], served, "the key that other mail servers find here (DANE): it stays"
                     " the same when the certificate is renewed")
    if new:
        for name in lacking(known, 0.0, served, new):
            yield record(name, new, "the next key: it is used when all name servers have shown this long enough")


def farewell(host: Host) -> Iterator[str]:
    """What the admin must know when the daemons get back what they had before us."""
    known, served = _known(host), certificate.chain(host)
    for name, seen in known["names"].items() if known["secure"] else []:
        for value in seen["some"]:
            if meaning.tlsa_fits([value], served):
                yield "{} TLSA {}: in DNS, and of a certificate that is not served any more: delete that record, or" \
                    " servers that check it (DANE) do not deliver here".format(name, value)


def record(name: str, chain: Chain, why: str) -> dns_records.Record:
    """The record of that certificate's key at that name."""
    return dns_records.Record(name, "TLSA", meaning.tlsa_value(chain), why)


def _folder(name: str) -> str:
    return "{}/{}".format(state.TLS, name)
