"""DKIM keys: which there are, and what becomes of them; with openssl, on a scratch host."""

from __future__ import annotations

import base64
import subprocess

import pytest

from smallmail.dkim import key_format, keys as dkim_keys, rotation, signing
from smallmail.dkim.key_list import NEXT, OLD, SIGNING
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host
from tests.unit.dkim.conftest import DOMAIN, states, switched, the


def test_both_keys_are_those_of_their_records(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING, "dkim-ed25519": NEXT}
    rsa, ed25519 = the(host, "dkim"), the(host, "dkim-ed25519")
    der = subprocess.run(["openssl", "pkey", "-in", host.path(dkim_keys.path(rsa)), "-pubout", "-outform", "DER"],
                         capture_output=True, check=True).stdout
    assert base64.b64decode(rsa.public) == der
    # RFC 8463, 4.2; what signs is checked against it by dkimpy in tests/system.
    assert len(base64.b64decode(ed25519.public)) == 32
    assert dkim_keys.record_value(ed25519).startswith("v=DKIM1; k=ed25519; p=")
    assert len(base64.b64decode(host.text(dkim_keys.path(ed25519)))) == 64
    assert all(dkim_keys.is_whole(host, key) for key in (rsa, ed25519))
    assert host.text(state.DKIM_KEYS).splitlines() == ["/" + dkim_keys.path(rsa), "/" + dkim_keys.path(ed25519)]


def test_once_more_changes_nothing(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    before = {name: host.file(state.DKIM_FOLDER + "/" + name) for name in host.names(state.DKIM_FOLDER)}
    dkim_keys.ensure(host, [DOMAIN])
    assert {name: host.file(state.DKIM_FOLDER + "/" + name) for name in host.names(state.DKIM_FOLDER)} == before


def test_the_key_of_an_earlier_version_goes_on_signing(host: Host) -> None:
    pair = key_format.make(host, "rsa")
    host.write(state.DKIM_FOLDER + "/example.org.dkim.key", File(pair.private.encode(), 0o640, "root", "_rspamd"))
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING, "dkim-ed25519": NEXT}
    assert the(host, "dkim").public == pair.public
    assert "example.org.dkim.key" not in host.text(state.DKIM_KEYS), "found, not made: postrm may not delete it"


def test_a_domain_that_is_removed_and_back_signs_as_before(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    switched(host)
    rotation.begin(host, DOMAIN)
    assert {key.selector for key in dkim_keys.retire(host, DOMAIN)} == {"dkim", "dkim-ed25519"}
    assert states(host) == {"dkim": OLD, "dkim-ed25519": OLD}, "what was next has signed nothing"
    assert len(dkim_keys.records_by_domain(host, 0)[DOMAIN]) == 2, "mail is on its way"
    assert "example.org" not in signing.text(dkim_keys.load(host))
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING, "dkim-ed25519": NEXT}


def test_a_damaged_list_is_told_not_overwritten(host: Host) -> None:
    dkim_keys.ensure(host, [DOMAIN])
    with open(host.path(state.DKIM_LIST), "w") as stream:
        stream.write("[{}]")
    with pytest.raises(Problem, match="keys.json cannot be read"):
        dkim_keys.ensure(host, [DOMAIN])
    assert host.text(state.DKIM_LIST) == "[{}]"
