"""DKIM keys: which there are, what becomes of them, and what Rspamd is told; with openssl, on a scratch host."""
import base64
import json
import subprocess

import pytest

from smallmail.dkim import key_files, keys as dkim_keys, rotation, signing
from smallmail.dkim.keys import NEXT, OLD, SIGNING
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.zones import meaning

DOMAIN = "example.org"
DAY = 86400
STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"


@pytest.fixture
def host(tmp_path):
    return with_rspamd(tmp_path, "3.12.1-1")


def with_rspamd(folder, version):
    (folder / "var/lib/dpkg").mkdir(parents=True)
    (folder / "var/lib/dpkg/status").write_text("".join(
        STATUS.format(name, version) for name in ("postfix", "dovecot-core", "rspamd")))
    return Host(str(folder))


def states(host):
    return {key.selector: key.state for key in dkim_keys.load(host)}


def the(host, selector):
    return next(key for key in dkim_keys.load(host) if key.selector == selector)


def change(host, selector, **values):
    with dkim_keys.changing(host) as keys:
        keys[:] = [key._replace(**values) if key.selector == selector else key for key in keys]


def switched(host):
    """As the name servers show all."""
    return rotation._switch(host, {dkim_keys.path(key): [] for key in dkim_keys.load(host) if key.state == NEXT})


def test_both_keys_are_those_of_their_records(host):
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


def test_once_more_changes_nothing(host):
    dkim_keys.ensure(host, [DOMAIN])
    before = {name: host.file(state.DKIM_FOLDER + "/" + name) for name in host.names(state.DKIM_FOLDER)}
    dkim_keys.ensure(host, [DOMAIN])
    assert {name: host.file(state.DKIM_FOLDER + "/" + name) for name in host.names(state.DKIM_FOLDER)} == before


def test_the_key_of_an_earlier_version_goes_on_signing(host):
    pair = key_files.make(host, "rsa")
    host.write(state.DKIM_FOLDER + "/example.org.dkim.key", File(pair.private.encode(), 0o640, "root", "_rspamd"))
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING, "dkim-ed25519": NEXT}
    assert the(host, "dkim").public == pair.public
    assert "example.org.dkim.key" not in host.text(state.DKIM_KEYS), "found, not made: postrm may not delete it"


def test_an_old_rspamd_signs_with_rsa_alone(tmp_path):
    host = with_rspamd(tmp_path, "1.8.3-1")
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING}
    assert rotation.begin(host, DOMAIN) == ""
    assert sorted(states(host).values()) == [NEXT, SIGNING]
    assert "selectors" not in signing.text(dkim_keys.load(host))


def test_a_rotation(host):
    dkim_keys.ensure(host, [DOMAIN])
    switched(host)
    assert rotation.begin(host, DOMAIN) == ""
    made = states(host)
    assert sorted(made.values()) == [NEXT, NEXT, SIGNING, SIGNING]
    assert "under way" in rotation.begin(host, DOMAIN), "typed again"
    assert states(host) == made
    assert len(dkim_keys.records(host, 0)[DOMAIN]) == 4
    assert sorted(dkim_keys.unused_names(host)) == sorted(
        f"{name}._domainkey.{DOMAIN}" for name, state in made.items() if state == NEXT)
    first, second = [name for name in made if made[name] == NEXT]
    waits = {dkim_keys.path(the(host, first)): [], dkim_keys.path(the(host, second)): ["ns.example.net"]}
    rotation._switch(host, waits)
    assert [the(host, first).state, the(host, second).state, the(host, "dkim").state] == [SIGNING, NEXT, OLD]
    assert the(host, second).waiting == ["ns.example.net"]
    assert first in signing.text(dkim_keys.load(host)) and second not in signing.text(dkim_keys.load(host))
    assert "not finished" in rotation.begin(host, DOMAIN)


def test_an_old_key_stays_until_rspamd_has_long_signed_without_it(host):
    dkim_keys.ensure(host, [DOMAIN])
    rotation.begin(host, DOMAIN)
    switched(host)
    old = the(host, "dkim")
    assert not dkim_keys.is_over(old, 1e12), "nobody has seen Rspamd sign without it"
    change(host, "dkim", left=1000.0)
    end = 1000 + 14 * DAY
    assert [dkim_keys.is_over(the(host, "dkim"), now) for now in (end - 1, end)] == [False, True]
    names = [[record.name for record in dkim_keys.records(host, now)[DOMAIN]] for now in (end - 1, end)]
    assert ["dkim._domainkey.example.org" in each for each in names] == [True, False]
    assert rotation.begin(host, DOMAIN) == "", "another may begin"


def test_a_domain_that_is_removed_and_back_signs_as_before(host):
    dkim_keys.ensure(host, [DOMAIN])
    switched(host)
    rotation.begin(host, DOMAIN)
    assert {key.selector for key in dkim_keys.retire(host, DOMAIN)} == {"dkim", "dkim-ed25519"}
    assert states(host) == {"dkim": OLD, "dkim-ed25519": OLD}, "what was next has signed nothing"
    assert len(dkim_keys.records(host, 0)[DOMAIN]) == 2, "mail is on its way"
    assert "example.org" not in signing.text(dkim_keys.load(host))
    dkim_keys.ensure(host, [DOMAIN])
    assert states(host) == {"dkim": SIGNING, "dkim-ed25519": NEXT}


def test_a_lost_key_is_no_dead_end(host):
    dkim_keys.ensure(host, [DOMAIN])
    rotation.begin(host, DOMAIN)
    lost = next(key for key in dkim_keys.load(host) if key.state == NEXT and key.kind == "rsa")
    host.remove(dkim_keys.path(lost))
    assert "is lost" in rotation._without_lost(host)[0]
    assert lost.selector not in states(host)
    host.remove(dkim_keys.path(the(host, "dkim")))
    assert [each.severity for each in rotation.judge(host, 0)] == ["problem"]
    dkim_keys.ensure(host, [DOMAIN])
    assert dkim_keys.is_whole(host, the(host, "dkim"))


def test_what_check_says(host):
    dkim_keys.ensure(host, [DOMAIN])
    change(host, "dkim", made=0.0)
    change(host, "dkim-ed25519", made=0.0, waiting=["ns.example.net (203.0.113.1)"])
    said = [each.what for each in rotation.judge(host, 400 * DAY)]
    assert "the DKIM key dkim._domainkey.example.org is from 1970-01-01: 'smallmail dkim rotate" in said[0]
    assert "has waited since 1970-01-01 for ns.example.net (203.0.113.1)" in said[1]
    assert list(rotation.judge(host, 1 * DAY)) == []


def test_a_damaged_list_is_told_not_overwritten(host):
    dkim_keys.ensure(host, [DOMAIN])
    with open(host.path(state.DKIM_LIST), "w") as stream:
        stream.write("[{}]")
    with pytest.raises(dkim_keys.Problem, match="keys.json cannot be read"):
        dkim_keys.ensure(host, [DOMAIN])
    assert host.text(state.DKIM_LIST) == "[{}]"


def test_what_rspamd_is_told(host):
    dkim_keys.ensure(host, ["b.example", "a.example"])
    switched(host)
    text = signing.text(dkim_keys.load(host))
    assert text.count("domain {") == 1
    assert text.index('"a.example" {') < text.index('"b.example" {')
    for name in ("dkim", "dkim-ed25519"):
        assert f'selector = "{name}"; path = "/var/lib/rspamd/dkim/a.example.{name}.key";' in text
    assert json.loads(host.text(state.DKIM_LIST))[0]["domain"] == "a.example"


@pytest.mark.parametrize(("published", "trouble"), [
    ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", ""),
    ("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "only the last 32 belong there"),
    ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUR", "not Base64"),
    ("2HqYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "is not the one"),
])
def test_an_ed25519_record_is_judged_as_a_key(published, trouble):
    wanted = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    found = meaning.dkim_trouble(["k=ed25519;p=" + published], wanted)
    assert trouble in found and bool(trouble) == bool(found)
