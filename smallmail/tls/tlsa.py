"""TLSA records (RFC 6698): remember which of them the name servers show, and which certificate may be used.

A server that validates DNSSEC delivers to this host only if one of the records fits the certificate that it is shown
(RFC 7672, 2.2). So another key must wait until all name servers have shown its record for as long as others may cache
the records without it (RFC 7671, 8.1). What was seen last is kept in state.TLSA, for those who cannot wait for the
network. If that file is lost or damaged, the next look() asks again, and a new certificate waits longer.
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

# Today only mail servers ask for such records, for port 25. If the admin has set some for mail programs too (RFC 7673),
# they count as much.
_PORTS = tuple(port.number for port in listening.PUBLIC)
_FRESH = 3600.0         # seconds before refresh() asks again
_PATIENCE = 20.0        # seconds for all questions of one look()
_ALIASES = 5            # CNAMEs that point to one another

_WAITS = ("The new certificate has another key than the TLSA records in DNS: the old one stays in use until DNS has"
          " records for both; 'smallmail certificate status' shows what is missing.")

# `asked`: when, `secure`: whether the zone is signed and its parent has a DS record, `names`: see _seen(), `late`: the
# name servers that did not answer, `waits`: the folder of the certificate that must wait, `switched`: when the present
# certificate came into use.
_EMPTY = OrderedDict([("hostname", ""), ("asked", 0.0), ("secure", False), ("names", {}), ("late", []), ("waits", ""),
                      ("switched", 0.0)])  # type: Known


def load(host: Host, hostname: str) -> Known:
    """Load what is known of the records of that hostname."""
    known = _known(host)
    return known if known["hostname"] == hostname else OrderedDict(_EMPTY, hostname=hostname)


def _known(host: Host) -> Known:
    known = state_files.load_json(host, state.TLSA, _EMPTY)  # type: Known
    return known


def remember(host: Host, hostname: str, **what: Any) -> None:
    """Save what changed."""
    if not host.exists(state.TLS):
        return
    with host.lock(path=state.TLSA_LOCK):
        known = load(host, hostname)
        after = OrderedDict(known, **what)
        if after != known:
            state_files.save_json(host, state.TLSA, after)


def names(hostname: str) -> List[str]:
    """Return the names that may have such records; the first is the one that mail servers ask for."""
    return ["_{}._tcp.{}".format(port, hostname) for port in _PORTS]


def refresh(host: Host, hostname: str, patience: float = _PATIENCE) -> str:
    """Ask the name servers, if the last answer is an hour old. Returns why none could be asked, or ""."""
    return look(host, hostname, patience) if load(host, hostname)["asked"] < time.time() - _FRESH else ""


def look(host: Host, hostname: str, patience: float = _PATIENCE) -> str:
    """Ask all name servers, and save their answers. Returns why none could be asked, or ""; then nothing changes."""
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
    """Ask each name server, following aliases. Returns their answers, and how many seconds others may cache them."""
    answer, ttl = authority.ask(name, "TLSA"), authority.lifetime(name, "TLSA")
    if answer.alias and aliases < _ALIASES:
        values, below = _said(authority, answer.alias, aliases + 1)
        return values, max(ttl, below)
    return list(answer.said.values()), ttl


def _seen(before: Any, said: List[List[str]], ttl: int, complete: bool, now: float) -> Dict[str, Any]:
    """Combine what was known of a name with new answers. Returns `some`: the values that any server shows, or showed
    before it stopped answering; `good`: for each value that all show, when it will be in every cache; `until`: how long
    other values may still be in caches; `ttl`."""
    before = before or {"ttl": 0, "until": 0.0, "good": {}, "some": []}
    everywhere = {value for value in (said[0] if said else []) if all(value in values for values in said)}
    # A resolver that asked just before the change may cache the old records for as long as their TTL said then.
    later = max(before["until"], now + max(ttl, before["ttl"]))
    good = {value: min(before["good"].get(value, later), later) for value in sorted(everywhere)
            if complete or value in before["good"]}
    some = {value for values in said for value in values}.union([] if complete else before["some"])
    return OrderedDict([("ttl", ttl), ("until", max(before["until"], now + ttl)), ("good", good),
                        ("some", sorted(some))])


def lacking(known: Known, now: float, served: Chain, new: Chain) -> List[str]:
    """Return the names whose records do not allow the new certificate yet: they fit the one in use, and the new one's
    may not be in every cache. Empty if no server can use the records (no DNSSEC): then nothing has to wait."""
    return [name for name, seen in known["names"].items()
            if known["secure"] and meaning.tlsa_fits(seen["some"], served)
            and not meaning.tlsa_fits(_usable(seen, now, served), new)]


def _usable(seen: Dict[str, Any], now: float, served: Chain) -> Iterator[str]:
    """Yield the values that every cache has, and those of the certificate in use: another one may have its key."""
    for value in seen["some"]:
        if seen["good"].get(value, now + 1) <= now or meaning.tlsa_fits([value], served):
            yield value


def when(known: Known, new: Chain) -> float:
    """Return the time when the new certificate may be used; 0 if one of its records is missing."""
    times = [[float(seen["good"].get(value, 0.0)) for value in seen["some"] if meaning.tlsa_fits([value], new)]
             for seen in known["names"].values() if meaning.tlsa_usable(seen["some"])]
    return max(min(each) for each in times) if times and all(map(any, times)) else 0.0


def allowed(host: Host, settings: Settings, newest: str) -> str:
    """Choose the certificate that may be used, by what was seen last. Returns the newest one, or the one in use."""
    current = host.link(state.CURRENT)
    if current is None or current == newest:
        return newest
    known = load(host, settings.hostname)
    served, new = certificate.chain(host), certificate.chain(host, _folder(newest))
    return current if lacking(known, known["asked"], served, new) else newest


def prepare(host: Host, settings: Settings) -> Iterator[str]:
    """Make the newest certificate. Yields a notice if it must wait for its TLSA record, or if the admin's files cannot
    be used."""
    newest, trouble = certificate.ensured(host, settings)
    if trouble:
        yield "{}; until then the copy that is in use stays".format(trouble)
    if allowed(host, settings, newest) != newest:
        yield _WAITS


def links(host: Host, settings: Settings) -> Dict[str, str]:
    """Return the link to the certificate that may be used, if it must point elsewhere than it does."""
    target = allowed(host, settings, certificate.ensured(host, settings)[0])
    return {state.CURRENT: target} if host.link(state.CURRENT) != target else {}


def waiting(host: Host, settings: Settings) -> Chain:
    """Return the certificate that waits for its record; empty if there is none."""
    folder = load(host, settings.hostname)["waits"]
    return certificate.chain(host, _folder(folder)) if folder else []


def records(host: Host, settings: Settings) -> Iterator[dns_records.Record]:
    """Yield the records to publish, if they are useful: in a signed zone, for a key that stays."""
    known = load(host, settings.hostname)
    if not known["secure"]:
        return
    served, new = certificate.chain(host), waiting(host, settings)
    if served and not certificate.is_temporary(host, settings):
        yield record(names(settings.hostname)[0], served, "the key of this host's certificate, for other mail servers"
                     " (DANE): it stays the same when the certificate is renewed")
    if new:
        for name in lacking(known, 0.0, served, new):
            yield record(name, new, "the next key: it is used once all name servers have shown this long enough")


def hand_back(host: Host) -> Iterator[str]:
    """Yield what the admin must know when smallmail is removed and the daemons get their former certificate."""
    known, served = _known(host), certificate.chain(host)
    for name, seen in known["names"].items() if known["secure"] else []:
        for value in seen["some"]:
            if meaning.tlsa_fits([value], served):
                yield "{} TLSA {}: this record in DNS is for a certificate that is no longer in use: delete it, or" \
                    " servers that check it (DANE) will not deliver to this host".format(name, value)


def record(name: str, chain: Chain, why: str) -> dns_records.Record:
    """Return the record for that certificate's key at that name."""
    return dns_records.Record(name, "TLSA", meaning.tlsa_value(chain), why)


def _folder(name: str) -> str:
    return "{}/{}".format(state.TLS, name)
