"""What Rspamd is told to sign with."""

from __future__ import annotations

import json
from pathlib import Path

from smallmail.dkim import keys as dkim_keys, rotation, signing
from smallmail.dkim.key_list import NEXT, SIGNING
from smallmail.machine import state
from smallmail.machine.host import Host
from tests.unit.dkim.conftest import DOMAIN, states, switched, with_rspamd


def test_an_old_rspamd_signs_with_rsa_alone(tmp_path: Path) -> None:
    host = with_rspamd(tmp_path, "1.8.3-1")
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING}
    assert rotation.begin(host, DOMAIN) == ""
    assert sorted(states(host).values()) == [NEXT, SIGNING]
    assert "selectors" not in signing.text(dkim_keys.load(host))


def test_what_rspamd_is_told(host: Host) -> None:
    dkim_keys.ensure(host, ["b.example", "a.example"])
    switched(host)
    text = signing.text(dkim_keys.load(host))
    assert text.count("domain {") == 1
    assert text.index('"a.example" {') < text.index('"b.example" {')
    for name in ("dkim", "dkim-ed25519"):
        assert f'selector = "{name}"; path = "/var/lib/smallmail/dkim/a.example.{name}.key";' in text
    assert json.loads(host.text(state.DKIM_LIST))[0]["domain"] == "a.example"
