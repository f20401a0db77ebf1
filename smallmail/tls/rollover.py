"""Change the key of the certificate: first the new TLSA record, then the key, and the old record goes last.

(rotation.py in the room dkim does the same for DKIM keys, which have nothing to do with these.)
"""
import contextlib
import time
from typing import Iterable, List

from smallmail.errors import Problem
from smallmail.findings import Finding, Group
from smallmail.machine import dates, state
from smallmail.machine.host import Host
from smallmail.publishing import publish, published
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, served, tlsa
from smallmail.zones import dns_records, meaning

_GROUP = Group("tls")

# Days before the end of the old certificate when the new one waits no longer. An expired certificate stops every mail
# program at once, while servers that miss a TLSA record (RFC 7672) keep their mail for days: there is time to set it.
_LAST_DAYS = 2


def obstacle(host: Host, settings: Settings, newest: str) -> str:
    """Return why the certificate in that folder must wait, or "". Publishes its TLSA records if updates are set up."""
    name, now = settings.hostname, time.time()
    unanswered = tlsa.look(host, name)
    known = tlsa.load(host, name)
    present, new = certificate.chain(host), certificate.chain(host, "{}/{}".format(state.TLS, newest))
    # If no name server answers today, what was seen before may be out of date: then only the same key is safe.
    names = tlsa.lacking(known, 0.0 if unanswered else time.time(), present, new)
    if not names or served.on_disk(host).until < now + _LAST_DAYS * 86400:
        tlsa.remember(host, name, waits="")
        return ""
    tlsa.remember(host, name, waits=newest)
    trouble = unanswered or _put(host, _missing(host, settings))
    return sentence(host, settings) + (" ({})".format(trouble) if trouble else "")


def sentence(host: Host, settings: Settings) -> str:
    """Return what the next certificate waits for; empty if there is no next certificate."""
    known, new = tlsa.load(host, settings.hostname), tlsa.waiting(host, settings)
    if not new:
        return ""
    missing = _missing(host, settings)
    if missing and not all(publish.may_update(host, record.name) for record in missing):
        return "the new certificate has another key and is used once its TLSA record has been in DNS long enough: add" \
            " this to the records that exist: " + ", ".join(dns_records.zone_line(record) for record in missing)
    when = tlsa.when(known, new)
    return "the new certificate has another key and is used once all name servers have shown its TLSA record long" \
        " enough" + (": " + _until(when, known["late"]) if when or known["late"] else "")


def _until(when: float, late: List[str]) -> str:
    return "at " + dates.minute(when) if when else "name server " + " and ".join(late)


def findings(host: Host, settings: Settings) -> List[Finding]:
    """Tell what a new certificate waits for, by what was seen last, for `smallmail check`. Returns what was found."""
    missing = _missing(host, settings) if tlsa.waiting(host, settings) else []
    if missing:
        return [_GROUP.problem("the new certificate is not in use: its TLSA record is not in DNS", "The old one expires"
                               " sooner, but servers that check the record (DANE) would not deliver to the new one.",
                               records=[dns_records.zone_line(record) for record in missing])]
    what = sentence(host, settings)
    return [_GROUP.note(what)] if what else []


def clean_up(host: Host, settings: Settings) -> None:
    """Delete copies of certificates and withdraw our TLSA records that are no longer needed. Only to be called when the
    daemons were seen to use the right certificate."""
    known, name = tlsa.load(host, settings.hostname), settings.hostname
    with host.lock():
        if not host.exists(state.JOURNAL):    # else undoing the swap may need an old copy
            certificate.tidy(host, [host.link(state.CURRENT) or "", known["waits"]])
    tlsa.refresh(host, name)
    longest = max([seen["ttl"] for seen in known["names"].values()] or [0])
    if time.time() < known["switched"] + longest:
        return
    needed = [certificate.chain(host), tlsa.waiting(host, settings)]
    stale = [dns_records.Record(*entry, why="") for entry in published.load(host)
             if entry.type == "TLSA" and entry.name in tlsa.names(name)
             and not any(chain and meaning.tlsa_fits([entry.value], chain) for chain in needed)]
    with contextlib.suppress(Problem):      # `dns check` reports what stays, and the next run tries again
        if stale and publish.may_update(host, stale[0].name):
            publish.withdraw(host, stale)


def _missing(host: Host, settings: Settings) -> List[dns_records.Record]:
    """Return the records of the next key that no name server shows."""
    known, value = tlsa.load(host, settings.hostname), meaning.tlsa_value(tlsa.waiting(host, settings))
    return [record for record in tlsa.records(host, settings)
            if record.value == value and value not in known["names"].get(record.name, {"some": []})["some"]]


def _put(host: Host, records: Iterable[dns_records.Record]) -> str:
    """Publish those records whose zone takes our updates. Returns why it failed, or ""."""
    ours = [record for record in records if publish.may_update(host, record.name)]
    try:
        if ours:
            publish.put(host, ours)
    except Problem as error:
        return str(error)
    return ""
