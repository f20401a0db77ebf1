"""dpkg-reconfigure on a booted machine, through debconf's own frontends: one machine a suite, changed step by step."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.lab import World
from tests.lab.clients import Server
from tests.support import debconf_dialogue
from tests.support.debconf_dialogue import BACK
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ADDRESS, ALICE, NAME, PASSWORD, MailHost

T = TypeVar("T")
RECONFIGURE = "dpkg-reconfigure smallmail-server"
CONF = "/etc/smallmail/smallmail.conf"
RSPAMD = "s3cret-of-rspamd"
NEW_NAME = "post.example.org"
BY_HAND = """
# asked for by the board in May
message-size-limit = "20M"
"""
# Every password that was ever typed here, right or wrong.
SECRETS = [PASSWORD, RSPAMD, "s3cret-of-alice", "s3cret-mistyped", "s3cret-of-rspamd-2", "s3crt"]

_ASK_WEB_PAGE = """
import sys, urllib.error, urllib.request
request = urllib.request.Request("http://127.0.0.1:11334/stat", headers={"Password": sys.argv[1]})
try:
    print(urllib.request.urlopen(request, timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""

pytestmark = pytest.mark.usefixtures("in_order")


class Configured(MailHost):
    """A mail server whose settings have comments and a line made by hand."""

    first = ""  # its settings before the first step
    failed: int | None = None  # how many tests had failed before the last step


@pytest.fixture(scope="module")
def host(suite: str, deb: Path, world: World, installed: Installed) -> Iterator[Configured]:
    with Configured(suite, deb, world, installed=installed(suite)) as host:
        host.smallmail("set --password-stdin rspamd-password=", RSPAMD + "\n")
        debconf_dialogue.prepare(host.machine, suite)
        text = host.machine.read(CONF)
        assert "\n# resolver = system\n" in text
        by_hand = text.replace("\n# resolver = system\n", "\nresolver = 203.0.113.53  # the lab's own\n") + BY_HAND
        host.machine.write(CONF, by_hand, 0o600)
        host.smallmail("apply")
        host.first = host.machine.read(CONF)
        assert host.first == by_hand
        yield host


@pytest.fixture
def in_order(request: pytest.FixtureRequest, host: Configured) -> None:
    """What follows a step that failed says nothing."""
    failed = request.session.testsfailed
    if host.failed not in (None, failed):
        pytest.skip("an earlier step on this machine failed")
    host.failed = failed


def logs_in(world: World, server: Server, certificate: str) -> bool:
    try:
        world.client.submission(server, ALICE, "s3cret-of-alice", trust=certificate).quit()
    except smtplib.SMTPAuthenticationError:
        return False
    return True


def timed(action: Callable[..., T], *arguments: Any) -> tuple[float, T]:
    started = time.monotonic()
    result = action(*arguments)
    return time.monotonic() - started, result


def etc(host: Configured) -> dict[str, str]:
    """All files of /etc: content, owner and mode by path."""
    said = host.machine.run("find /etc -type f -printf '%m %u %g ' -exec sha256sum {} ';'").stdout
    return {line.split(None, 4)[4]: line for line in said.splitlines()}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def services(host: Configured) -> dict[str, str]:
    """Of each service its process, and when systemd last started, stopped or reloaded it."""
    return {name: host.machine.run(["systemctl", "show", "-p", "MainPID", "-p", "StateChangeTimestampMonotonic", name])
            .stdout for name in ("postfix", "postfix@-", "dovecot", "rspamd", "smallmail-redis")}


def web_page(host: Configured, password: str) -> str:
    """What Rspamd's web page answers to that password."""
    return host.machine.run(["python3", "-c", _ASK_WEB_PAGE, password]).stdout.strip()


def may_login(host: Configured, password: str) -> bool:
    try:
        host.imap(ALICE, password).logout()
    except Exception as error:
        assert "AUTHENTICATIONFAILED" in str(error), error
        return False
    return True


def test_every_question_shows_todays_value_and_no_answer_changes_nothing(host: Configured, record: Record) -> None:
    before, running = etc(host), services(host)
    seconds, (person, said) = timed(debconf_dialogue.passthrough, host.machine, RECONFIGURE)
    assert person.defaults() == {
        "hostname": NAME, "domain": "example.org", "address": ALICE, "password": "",
        "certificate": "self-signed (mail programs warn)",
        "rspamd-password": "", "resolver": "203.0.113.53", "mail-directory": "/srv/mail", "relayhost": ""}
    assert "now accepts mail for example.org" in said and "Traceback" not in said
    assert (etc(host), services(host)) == (before, running)
    assert host.machine.read(CONF) == host.first

    shown, _ = debconf_dialogue.editor(host.machine, RECONFIGURE + " -plow", {})
    assert debconf_dialogue.values(shown) == person.defaults()
    host.machine.run(RECONFIGURE)   # noninteractive
    assert (etc(host), services(host)) == (before, running)
    assert may_login(host, PASSWORD) and web_page(host, RSPAMD) == "200"
    record(f"{len(person.shown)} questions, {len(before)} files of /etc and 4 services untouched, {seconds:.1f} s")


def test_only_what_is_answered_differently_changes(host: Configured, record: Record) -> None:
    before, running = etc(host), services(host)
    shown, _ = debconf_dialogue.editor(host.machine, RECONFIGURE, {"resolver": ["1.2.3", "203.0.113.53 127.0.0.1"]})
    assert "'1.2.3' must be 'system', 'local', or addresses" in re.sub(r"\n# ", " ", shown)
    assert changed(before, etc(host)) == {CONF, "/etc/rspamd/local.d/options.inc"}
    assert {name for name, state in services(host).items() if state != running[name]} == {"rspamd"}
    text = host.first.replace("resolver = 203.0.113.53 ", "resolver = 203.0.113.53 127.0.0.1 ")
    assert host.machine.read(CONF) == text
    record("2 files and 1 service of 4; comments and lines made by hand stay")


def test_a_new_password_is_in_force_at_once(host: Configured) -> None:
    before, running = etc(host), services(host)
    person, said = debconf_dialogue.passthrough(host.machine, RECONFIGURE, {
        "password": ["s3crt", "s3cret-of-alice", "s3cret-of-alice"],
        "password-again": ["s3cret-mistyped", "s3cret-of-alice"]})
    assert [sentence.partition(":")[0] for sentence in person.said] == [
        "the password is too short", "the two passwords do not match"]
    assert may_login(host, "s3cret-of-alice") and not may_login(host, PASSWORD)
    host.submission(user=ALICE, password="s3cret-of-alice").quit()
    assert (etc(host), services(host)) == (before, running), "accounts are no configuration"
    assert "s3cr" not in said


def test_a_new_name_and_a_new_web_password_in_one_go(host: Configured, world: World, record: Record) -> None:
    person, said = debconf_dialogue.passthrough(host.machine, RECONFIGURE, {
        "hostname": ["no dots", "other.example.org", "other.example.org", NEW_NAME], "domain": [BACK, "example.org"],
        "rspamd-password": ["s3cret-of-rspamd-2"]})
    # DNS does not know these names, so each is asked for twice.
    assert person.names()[:7] == ["hostname"] * 3 + ["domain"] + ["hostname"] * 2 + ["domain"]
    assert person.shown[4] == ("hostname", "other.example.org"), "what was typed before going back"
    assert "'no dots' is not a" in person.said[0]
    assert "DNS has no address of other.example.org: give the same answer again" in person.said[1]
    assert web_page(host, "s3cret-of-rspamd-2") == "200" and web_page(host, RSPAMD) == "401"
    assert host.machine.run("postconf -h myhostname; cat /etc/mailname").stdout.split() == [NEW_NAME] * 2
    names = set(re.findall(r"(?m)^(\S+)\. \d+ IN (?:A|MX)", host.smallmail("dns show")))
    assert names == {NEW_NAME, "example.org"}
    assert f"10 {NEW_NAME}." in host.smallmail("dns show") and NAME not in host.smallmail("dns show")
    certificate = host.machine.read("/var/lib/smallmail/tls/current/fullchain.pem")
    new = Server(NEW_NAME, ADDRESS)
    connection = world.client.smtp(new)
    assert connection.ehlo()[1].decode().split()[0] == NEW_NAME
    # Here and below: the certificate that is served must be this one, and must have the new name.
    connection.starttls(context=ssl.create_default_context(cadata=certificate))
    connection.close()
    # A login that meets the reload is asked to come again, as mail programs do.
    host.wait(lambda: logs_in(world, new, certificate), "a login at the new name", 20)
    world.client.submission(new, ALICE, "s3cret-of-alice", trust=certificate, port=587).quit()
    world.client.imap(new, ALICE, "s3cret-of-alice", trust=certificate).logout()
    with pytest.raises(OSError, match="(?i)mismatch|doesn't match|not valid for"):
        world.client.imap(Server(NAME, ADDRESS), ALICE, "s3cret-of-alice", trust=certificate)
    assert "\n# asked for by the board in May\n" in host.machine.read(CONF)
    assert "# the lab's own" in host.machine.read(CONF)
    assert "s3cr" not in said
    assert "Nothing to do." in host.smallmail("plan")
    record(f"EHLO, mailname, certificate on 25, 465, 587 and 993, DNS advice: all say {NEW_NAME}")


def test_a_wrong_value_in_the_file_is_named_and_can_be_mended(host: Configured) -> None:
    text = host.machine.read(CONF)
    broken = text.replace("hostname = " + NEW_NAME, "hostname = post  # by hand")
    host.machine.write(CONF, broken, 0o600)
    before = etc(host)
    refused = host.machine.run(RECONFIGURE, check=False)     # noninteractive
    assert refused.returncode != 0
    assert "/etc/smallmail/smallmail.conf: hostname: 'post' is not a full name" in refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
    assert etc(host) == before
    person, _ = debconf_dialogue.passthrough(host.machine, RECONFIGURE, {"hostname": [NEW_NAME]})
    assert person.said == [
        f"{CONF}: hostname: 'post' is not a full name: type it with its domain, as in post.example.org"]
    assert person.shown[0] == ("hostname", "post") and person.names().count("hostname") == 1
    assert f"hostname = {NEW_NAME}  # by hand" in host.machine.read(CONF)
    assert "Nothing to do." in host.smallmail("plan")


def test_no_password_is_left_anywhere(host: Configured, record: Record) -> None:
    for place in ("/var/cache/debconf", "/var/log", "/etc", "/var/lib/smallmail", "/var/lib/dpkg", "/tmp", "/var/tmp"):
        found = host.machine.run(["grep", "-rlFI", *(word for secret in SECRETS for word in ("-e", secret)), place],
                                 check=False).stdout
        assert found == "", found
    journal = host.machine.run("journalctl -q --no-pager -o cat").stdout
    assert not [secret for secret in SECRETS if secret in journal]
    record(f"{len(SECRETS)} passwords typed, none in debconf's files, the journal, /var/log, /etc")
