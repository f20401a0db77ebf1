"""When another key may be served: by what name servers show, and for how long."""

from __future__ import annotations

import hashlib
from typing import Any

from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.tls import certificate, rollover, tlsa
from smallmail.zones import meaning, tlsa_check
from smallmail.zones.answers import Zone
from tests.unit.tls.conftest import NAME, SETTINGS, choose

PORT25 = "_25._tcp." + NAME


def chain(key: bytes) -> tlsa.Chain:
    return [(b"certificate of " + key, key)]


OLD, NEW = chain(b"old key"), chain(b"new key")
OLD_VALUE, NEW_VALUE = meaning.tlsa_value(OLD), meaning.tlsa_value(NEW)


def known(*looks: tuple[float, list[list[str]], int], complete: bool = True) -> tlsa.Known:
    """What is known after these looks: when, what each server said, with which TTL."""
    seen: Any = None
    for now, said, ttl in looks:
        seen = tlsa._seen(seen, said, ttl, complete, now)
    return {"secure": True, "names": {PORT25: seen}}


def test_the_new_key_waits_for_a_whole_ttl() -> None:
    found = known((1000, [[OLD_VALUE]], 60), (1300, [[OLD_VALUE, NEW_VALUE]] * 2, 60))
    assert tlsa.lacking(found, 1359, OLD, NEW) == [PORT25]
    assert tlsa.lacking(found, 1360, OLD, NEW) == []
    assert tlsa.when(found, NEW) == 1360


def test_a_ttl_that_was_longer_before_counts() -> None:
    found = known((1000, [[OLD_VALUE]], 86400), (1300, [[OLD_VALUE, NEW_VALUE]], 60))
    assert tlsa.when(found, NEW) == 1300 + 86400
    lowered_in_time = known((1000, [[OLD_VALUE]], 400), (1300, [[OLD_VALUE]], 60), (1390, [[OLD_VALUE, NEW_VALUE]], 60))
    assert tlsa.when(lowered_in_time, NEW) == 1450
    too_late = known((1000, [[OLD_VALUE]], 4000), (1300, [[OLD_VALUE]], 60), (1390, [[OLD_VALUE, NEW_VALUE]], 60))
    assert tlsa.when(too_late, NEW) == 5000


def test_one_server_without_it_is_enough_to_wait() -> None:
    found = known((1000, [[OLD_VALUE, NEW_VALUE], [OLD_VALUE]], 60))
    assert tlsa.lacking(found, 9e9, OLD, NEW) == [PORT25]
    silent = known((1000, [[OLD_VALUE, NEW_VALUE]], 60), complete=False)
    assert tlsa.lacking(silent, 9e9, OLD, NEW) == [PORT25]


def test_what_a_silent_server_may_still_say_counts() -> None:
    before = known((1000, [[OLD_VALUE], [OLD_VALUE]], 60))["names"][PORT25]
    stale_secondary = tlsa._seen(before, [[]], 0, False, 2000)
    assert tlsa.lacking({"secure": True, "names": {PORT25: stale_secondary}}, 9e9, OLD, NEW) == [PORT25]
    gone = tlsa._seen(before, [[], []], 0, True, 2000)
    assert tlsa.lacking({"secure": True, "names": {PORT25: gone}}, 9e9, OLD, NEW) == []


def test_looks_do_not_begin_the_time_anew() -> None:
    both = [[OLD_VALUE, NEW_VALUE]]
    assert tlsa.when(known((1000, both, 60), (1030, both, 60), (1059, both, 60)), NEW) == 1060


def test_a_record_that_went_and_came_back_begins_anew() -> None:
    both = [[OLD_VALUE, NEW_VALUE]]
    assert tlsa.when(known((1000, both, 60), (1070, [[OLD_VALUE]], 60), (1200, both, 60)), NEW) == 1260


def test_nothing_waits_where_nobody_could_use_the_records() -> None:
    assert tlsa.lacking({"secure": True, "names": {}}, 0, OLD, NEW) == [], "there are none"
    found = known((1000, [[OLD_VALUE]], 60))
    assert tlsa.lacking({**found, "secure": False}, 0, OLD, NEW) == [], "the zone is not signed"
    assert tlsa.lacking(known((1000, [[meaning.tlsa_value(chain(b"other"))]], 60)), 0, OLD, NEW) == [], "stale anyway"
    assert tlsa.lacking(known((1000, [["1 1 1 00"]], 60)), 0, OLD, NEW) == [], "of no use for mail (RFC 7672)"


def test_the_same_key_waits_for_nothing() -> None:
    renewed = [(b"another certificate", OLD[0][1])]
    assert tlsa.lacking(known((1000, [[OLD_VALUE]], 60)), 1000, OLD, renewed) == []
    whole = "3 0 1 " + hashlib.sha256(OLD[0][0]).hexdigest()
    assert tlsa.lacking(known((1000, [[whole]], 60)), 1000, OLD, renewed) == [PORT25], "a record of the certificate"


def test_apply_keeps_the_certificate_that_dns_names(host_with_two: Host) -> None:
    host = host_with_two
    first = host.link(state.CURRENT)
    choose(host, "2")
    newest = certificate.ensure(host, SETTINGS)
    assert newest != first
    assert tlsa.allowed(host, SETTINGS, newest) == newest, "nothing is known of records"
    value = meaning.tlsa_value(certificate.chain(host))
    tlsa.remember(host, NAME, **known((1000, [[value]], 60)))
    assert tlsa.allowed(host, SETTINGS, newest) == first
    tlsa.remember(host, NAME, waits=newest)
    told = tlsa.records(host, SETTINGS)
    assert [record.value for record in told] == [
        value, meaning.tlsa_value(certificate.chain(host, f"{state.TLS}/{newest}"))]
    assert "add this to the records that exist: _25._tcp.mx.example.org. 3600 IN TLSA 3 1 1" in rollover.sentence(
        host, SETTINGS)
    finding, = rollover.findings(host, SETTINGS)
    assert (finding.severity, " ".join(finding.records).count("TLSA")) == ("problem", 1)


def test_what_the_check_finds() -> None:
    signed = Zone("example.org", [], [], {}, True, True, "")

    def found(values: list[str], coming: tlsa.Chain, zone: Zone = signed) -> list[str]:
        return [f"{each.severity}: {each.what}" for each in
                tlsa_check.judge(PORT25, values, OLD, coming, zone, True)]

    assert found([OLD_VALUE], []) == []
    assert found([OLD_VALUE, NEW_VALUE], NEW) == []
    assert found([OLD_VALUE], NEW) == [f"problem: {PORT25}: the key of the new certificate is missing"]
    assert found([NEW_VALUE], NEW) == [f"problem: {PORT25}: none of the TLSA records fits the certificate in use"]
    stale, = found([OLD_VALUE, NEW_VALUE], [])
    assert stale.endswith(f"TLSA {NEW_VALUE}: delete that record, unless it is meant for a later certificate")
    missing, = found([], [])
    assert missing.startswith(f"note: {PORT25} has no TLSA record: example.org is signed")
    useless, = found([OLD_VALUE], [], signed._replace(ds=False))
    assert "it has no effect: example.org is not signed (DNSSEC)" in useless


def test_a_temporary_key_has_no_record_but_what_follows_it_has(host_with_two: Host) -> None:
    host = host_with_two
    wanted = Settings({"hostname": NAME, "domain": "example.org", "address": "alice@example.org"})
    own_made = certificate.ensure(host, Settings({"hostname": NAME, "domain": "example.org", "certificate":
                                                  "self-signed", "address": "alice@example.org"}))
    host.point(state.CURRENT, own_made)
    value = meaning.tlsa_value(certificate.chain(host))
    tlsa.remember(host, NAME, **known((1000, [[]], 60)))
    assert list(tlsa.records(host, wanted)) == []
    tlsa.remember(host, NAME, **known((1000, [[value]], 60)), waits=certificate.ensure(host, SETTINGS))
    record, = tlsa.records(host, wanted)
    assert record.value != value
    assert record.value in rollover.sentence(host, wanted)
